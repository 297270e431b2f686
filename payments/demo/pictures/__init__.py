"""Pictures for the demo, drawn by the program: landscapes in flat colours, the same for the same seed. Knows no Django."""

from io import BytesIO

from payments.demo.pictures.scenes import draw

__all__ = ["draw", "jpeg"]


def jpeg(scene: str, seed: str) -> bytes:
    """The scene as a file. May run in a process of its own."""
    file = BytesIO()
    draw(scene, seed).save(file, "JPEG", quality=84)
    return file.getvalue()
