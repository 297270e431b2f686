"""The scenes: what stands where, at which hour. `draw` is all that others need."""

from random import Random

from PIL import Image

from payments.demo.pictures.canvas import Canvas
from payments.demo.pictures.nature import HOURS
from payments.demo.pictures.scenes import cities, desert, egypt, sea
from payments.demo.pictures.scenes.registry import SCENES

__all__ = ["cities", "desert", "draw", "egypt", "scene_names", "sea"]


def scene_names() -> list[str]:
    return sorted(SCENES)


def draw(name: str, seed: str) -> Image.Image:
    """The scene of that name, 1200 × 800; the same for the same seed. Raises `KeyError` for a name it does not know."""
    painter, hours = SCENES[name]
    chance = Random(f"{name}:{seed}")
    canvas = Canvas(chance)
    painter(canvas, HOURS[chance.choice(hours)])
    return canvas.finished()
