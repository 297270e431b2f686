from django.urls import path

from bookings.views import batch, bookings, check_in, holds, moving, staff

urlpatterns = [
    path("quotes", holds.QuoteView.as_view()),
    path("holds", holds.HoldsView.as_view()),
    path("holds/<uuid:hold_id>", holds.HoldView.as_view()),
    path("holds/<uuid:hold_id>/extend", holds.HoldExtensionView.as_view()),
    path("bookings", bookings.BookingsView.as_view()),
    path("bookings/lookup", bookings.LookupView.as_view()),
    path("bookings/<uuid:booking_id>", bookings.BookingView.as_view()),
    path("bookings/<uuid:booking_id>/cancellation", bookings.CancellationView.as_view()),
    path("bookings/<uuid:booking_id>/cancel", bookings.CancelView.as_view()),
    path("bookings/<uuid:booking_id>/reschedule", moving.RescheduleView.as_view()),
    path("bookings/<uuid:booking_id>/voucher.pdf", bookings.VoucherView.as_view()),
    path("bookings/<uuid:booking_id>/calendar.ics", bookings.CalendarView.as_view()),
    path("admin/bookings", staff.StaffBookingsView.as_view()),
    path("admin/bookings/batch", batch.BookingBatchView.as_view()),
    path("admin/bookings/<uuid:booking_id>/confirm", staff.ConfirmView.as_view()),
    path("admin/bookings/<uuid:booking_id>/resend-voucher", staff.ResendVoucherView.as_view()),
    path("admin/bookings/<uuid:booking_id>/no-show", staff.NoShowView.as_view()),
    path("admin/bookings/<uuid:booking_id>/check-in", check_in.CheckInView.as_view()),
    path("admin/bookings/<uuid:booking_id>/check-in/undo", check_in.UndoCheckInView.as_view()),
    path("admin/bookings/<uuid:booking_id>/absent", check_in.AbsentView.as_view()),
    path("admin/departures/<uuid:departure_id>/manifest", check_in.ManifestView.as_view()),
    path("admin/departures/<uuid:departure_id>/check-ins", check_in.CheckInBatchView.as_view()),
]
