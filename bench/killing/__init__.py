"""Parts of the crash test `kills.py`."""
