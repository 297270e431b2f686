from django.urls import include, path

from tours.views import (
    batch,
    blackouts,
    choices,
    deposits,
    pickups,
    reading,
    rules,
    showing,
    staff,
    wishes,
    writing,
    zones,
)

# One look at the beginning of an address spares a look at each that begins so.
of_tours = [
    path("featured", reading.FeaturedTours.as_view()),
    path("deals", reading.Deals.as_view()),
    path("popular", reading.PopularTours.as_view()),
    path("autocomplete", reading.Autocomplete.as_view()),
    path("<str:given>", writing.TourPage.as_view()),
    path("<str:given>/availability", writing.Availability.as_view()),
    path("<str:given>/calendar", reading.Calendar.as_view()),
    path("<str:given>/structured-data", showing.StructuredData.as_view()),
    path("<str:given>/similar", reading.SimilarTours.as_view()),
    path("<str:given>/prices", reading.PriceCalendar.as_view()),
    path("<str:given>/images", writing.TourImages.as_view()),
    path("<str:given>/images/<uuid:image_id>", writing.TourPicture.as_view()),
    path("<str:given>/pickups", choices.TourPickups.as_view()),
]

of_wish_lists = [
    path("merge", wishes.MergeWishes.as_view()),
    path("share", wishes.ShareWishes.as_view()),
    path("shared/<str:token>", wishes.SharedWishes.as_view()),
    path("<str:given>", wishes.Wish.as_view()),
]

for_staff = [
    path("tours", staff.StaffTours.as_view()),
    path("tours/<str:given>", staff.StaffTour.as_view()),
    path("tours/<str:given>/deposit", deposits.TourDeposit.as_view()),
    path("tours/<str:given>/pickups", pickups.TourPickupsForStaff.as_view()),
    path("blackouts", blackouts.Blackouts.as_view()),
    path("blackouts/<uuid:blackout_id>", blackouts.BlackoutPage.as_view()),
    path("pickup-zones", zones.PickupZones.as_view()),
    path("pickup-zones/<uuid:zone_id>", zones.PickupZonePage.as_view()),
    path("price-rules", rules.PriceRules.as_view()),
    path("price-rules/<uuid:rule_id>", rules.PriceRulePage.as_view()),
    path("departures", staff.StaffDepartures.as_view()),
    path("departures/batch", batch.DepartureBatchView.as_view()),
]

urlpatterns = [
    path("tours", writing.Tours.as_view()),
    path("tours/", include(of_tours)),
    path("sitemap.xml", showing.Sitemap.as_view()),
    path("sitemap-<int:number>.xml", showing.SitemapPart.as_view()),
    path("feeds/things-to-do.json", showing.ThingsToDo.as_view()),
    path("wishlist", wishes.WishList.as_view()),
    path("wishlist/", include(of_wish_lists)),
    path("departures/<uuid:departure_id>/choices", choices.DepartureChoices.as_view()),
    path("categories", reading.Categories.as_view()),
    path("destinations", reading.Destinations.as_view()),
    path("admin/", include(for_staff)),
]
