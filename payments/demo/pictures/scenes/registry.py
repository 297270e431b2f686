"""What scenes there are, by name."""

from collections.abc import Callable

from payments.demo.pictures.canvas import Canvas
from payments.demo.pictures.nature import Hour

Scene = Callable[[Canvas, Hour], None]

SCENES: dict[str, tuple[Scene, tuple[str, ...]]] = {}


def scene(name: str, *hours: str) -> Callable[[Scene], Scene]:
    """Register a scene with the hours at which it looks well."""

    def register(painter: Scene) -> Scene:
        SCENES[name] = (painter, hours)
        return painter

    return register
