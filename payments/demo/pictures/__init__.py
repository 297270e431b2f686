"""Pictures for the demo, drawn by the program: landscapes in flat colours, the same for the same seed."""

from payments.demo.pictures.scenes import draw

__all__ = ["draw"]
