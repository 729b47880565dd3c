"""What people touch: the assistant, its settings, the command line and the web chat."""
