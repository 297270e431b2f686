from django.urls import include, path

from bookings.views import allotments, batch, bookings, check_in, choices, holds, moving, reviews, staff

# One look at the beginning of an address spares a look at each that begins so.
of_bookings = [
    path("lookup", bookings.LookupView.as_view()),
    path("<uuid:booking_id>", bookings.BookingView.as_view()),
    path("<uuid:booking_id>/pickup", bookings.PickupView.as_view()),
    path("<uuid:booking_id>/travellers", bookings.TravellersView.as_view()),
    path("<uuid:booking_id>/cancellation", bookings.CancellationView.as_view()),
    path("<uuid:booking_id>/cancel", bookings.CancelView.as_view()),
    path("<uuid:booking_id>/reschedule", moving.RescheduleView.as_view()),
    path("<uuid:booking_id>/voucher.pdf", bookings.VoucherView.as_view()),
    path("<uuid:booking_id>/calendar.ics", bookings.CalendarView.as_view()),
    path("<uuid:booking_id>/review", reviews.BookingReview.as_view()),
    path("<uuid:booking_id>/review/photos", reviews.ReviewPhotos.as_view()),
    path("<uuid:booking_id>/review/photos/<uuid:photo_id>", reviews.ReviewPhotoView.as_view()),
]

of_reviews = [
    path("<uuid:review_id>/report", reviews.ReportView.as_view()),
    path("<uuid:review_id>/helpful", reviews.HelpfulView.as_view()),
]

for_staff = [
    path("reviews", reviews.StaffReviews.as_view()),
    path("reviews/<uuid:review_id>", reviews.StaffReview.as_view()),
    path("reviews/<uuid:review_id>/approve", reviews.ApproveView.as_view()),
    path("reviews/<uuid:review_id>/reject", reviews.RejectView.as_view()),
    path("reviews/<uuid:review_id>/reply", reviews.ReplyView.as_view()),
    path("choices", choices.Choices.as_view()),
    path("choices/<uuid:offer_id>/answer", choices.AnswerChoice.as_view()),
    path("choices/<uuid:offer_id>/withdraw", choices.WithdrawChoice.as_view()),
    path("bookings", staff.StaffBookingsView.as_view()),
    path("bookings/batch", batch.BookingBatchView.as_view()),
    path("bookings/<uuid:booking_id>/confirm", staff.ConfirmView.as_view()),
    path("bookings/<uuid:booking_id>/resend-voucher", staff.ResendVoucherView.as_view()),
    path("bookings/<uuid:booking_id>/no-show", staff.NoShowView.as_view()),
    path("bookings/<uuid:booking_id>/check-in", check_in.CheckInView.as_view()),
    path("bookings/<uuid:booking_id>/check-in/undo", check_in.UndoCheckInView.as_view()),
    path("bookings/<uuid:booking_id>/absent", check_in.AbsentView.as_view()),
    path("departures/<uuid:departure_id>/messages", staff.MessageView.as_view()),
    path("departures/<uuid:departure_id>/manifest", check_in.ManifestView.as_view()),
    path("departures/<uuid:departure_id>/check-ins", check_in.CheckInBatchView.as_view()),
]

urlpatterns = [
    path("allotments", allotments.AllotmentsView.as_view()),
    path("quotes", holds.QuoteView.as_view()),
    path("holds", holds.HoldsView.as_view()),
    path("holds/<uuid:hold_id>", holds.HoldView.as_view()),
    path("holds/<uuid:hold_id>/extend", holds.HoldExtensionView.as_view()),
    path("bookings", bookings.BookingsView.as_view()),
    path("bookings/", include(of_bookings)),
    path("tours/<str:given>/reviews", reviews.TourReviews.as_view()),
    path("reviews/", include(of_reviews)),
    path("admin/", include(for_staff)),
]
