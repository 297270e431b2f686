from django.urls import path

from tours.views import batch, choices, reading, showing, staff, wishes, writing

urlpatterns = [
    path("tours", writing.Tours.as_view()),
    path("tours/featured", reading.FeaturedTours.as_view()),
    path("tours/deals", reading.Deals.as_view()),
    path("tours/popular", reading.PopularTours.as_view()),
    path("tours/autocomplete", reading.Autocomplete.as_view()),
    path("tours/<str:given>", writing.TourPage.as_view()),
    path("tours/<str:given>/availability", writing.Availability.as_view()),
    path("tours/<str:given>/calendar", reading.Calendar.as_view()),
    path("tours/<str:given>/structured-data", showing.StructuredData.as_view()),
    path("sitemap.xml", showing.Sitemap.as_view()),
    path("sitemap-<int:number>.xml", showing.SitemapPart.as_view()),
    path("feeds/things-to-do.json", showing.ThingsToDo.as_view()),
    path("tours/<str:given>/similar", reading.SimilarTours.as_view()),
    path("tours/<str:given>/images", writing.TourImages.as_view()),
    path("tours/<str:given>/images/<uuid:image_id>", writing.TourPicture.as_view()),
    path("wishlist", wishes.WishList.as_view()),
    path("wishlist/merge", wishes.MergeWishes.as_view()),
    path("wishlist/share", wishes.ShareWishes.as_view()),
    path("wishlist/shared/<str:token>", wishes.SharedWishes.as_view()),
    path("wishlist/<str:given>", wishes.Wish.as_view()),
    path("tours/<str:given>/pickups", choices.TourPickups.as_view()),
    path("departures/<uuid:departure_id>/choices", choices.DepartureChoices.as_view()),
    path("categories", reading.Categories.as_view()),
    path("destinations", reading.Destinations.as_view()),
    path("admin/tours", staff.StaffTours.as_view()),
    path("admin/tours/<str:given>", staff.StaffTour.as_view()),
    path("admin/departures", staff.StaffDepartures.as_view()),
    path("admin/departures/batch", batch.DepartureBatchView.as_view()),
]
