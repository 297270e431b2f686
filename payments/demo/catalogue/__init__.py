"""The texts of the demo operator, in both languages: TOML files, and the reader that completes them."""

from payments.demo.catalogue.reader import DemoExtra, DemoOption, DemoTour, Place, load_places, load_tours

__all__ = ["DemoExtra", "DemoOption", "DemoTour", "Place", "load_places", "load_tours"]
