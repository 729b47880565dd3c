"""The documents that the page is tested with, one of them hostile in name and text."""

GUIDE = (
    "How copying works\n\nThe decoder copies a span, and the model checks all of its tokens in one "
    "forward pass. The answer is the one that plain decoding would give.\n\n"
    + "Passages are ranges of a text. "
    * 40
)
REPORT = (
    "Annual report\n\n" + "Segments are listed below. " * 60 + "Net sales were $34,229 million."
)
HOSTILE = (
    'A <img src=x onerror="alert(1)"> and <script>alert(2)</script> and '
    '[link](javascript:alert(3)) and "><svg onload=alert(4)> and ${alert(5)} {{value}} `end`.'
)
HOSTILE_NAME = '"><img src=x onerror=alert(6)>.md'
