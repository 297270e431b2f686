from copy import deepcopy
from pathlib import Path

import pytest


@pytest.fixture
def sample_template(settings):
    """The mail `sample`, which exists for tests only."""
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [*templates[0]["DIRS"], Path(__file__).parent / "templates"]
    settings.TEMPLATES = templates
