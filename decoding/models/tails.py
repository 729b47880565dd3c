"""Do functions of single numbers meet every row of a pass in the same way? Seen in a plain pass.

They work through vectors of numbers, and through what is left behind the last vector one by one.
Some round differently there. So rows are alike only if those of the smallest pass fill vectors:
that depends on inner widths, and on the number of experts whose router has such a function.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_VECTORS = 128  # bytes: two of the widest, which one round of a loop takes
_ROUNDS_DIFFERENTLY = {  # found with all numbers of 16 bits, and a sample of those of 32
    torch.float32: ("silu", "sigmoid", "softplus", "gelu", "mish", "elu"),
    torch.float16: ("gelu", "mish"),
    torch.bfloat16: ("gelu",),
}


class TailWatch(TorchDispatchMode):
    """Watches a pass over `rows` rows, which is the smallest there is.

    Attributes:
        saw_tails: Whether a function that rounds differently behind the last vector had such a
            rest.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch
        self._rows = rows
        self.saw_tails = False

    def __torch_dispatch__(
        self,
        function: Any,  # noqa: ANN401 - torch's hook
        types: Any,  # noqa: ANN401
        args: Any = (),  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Run the function as it is."""
        name = function.overloadpacket.__name__.removesuffix("_")
        if args and isinstance(args[0], Tensor):
            given = args[0]
            if name in _ROUNDS_DIFFERENTLY.get(given.dtype, ()) and given.is_contiguous():
                # experts get several times as many rows
                run = self._rows * given.shape[1] if given.dim() == 2 else given.numel()
                self.saw_tails |= run * given.element_size() % _VECTORS != 0
        return function(*args, **(kwargs or {}))
