"""What stands under `/api/v1` for accounts."""

from django.urls import path

from accounts.views import me, people, promises, sign_in

urlpatterns = [
    path("auth/register", sign_in.Register.as_view(), name="register"),
    path("auth/login", sign_in.Login.as_view(), name="login"),
    path("auth/refresh", sign_in.Refresh.as_view(), name="refresh"),
    path("auth/logout", sign_in.Logout.as_view(), name="logout"),
    path("auth/verify-email", sign_in.VerifyEmail.as_view(), name="verify-email"),
    path("auth/verify-email/resend", sign_in.ResendVerification.as_view(), name="verify-email-resend"),
    path("auth/password/reset", sign_in.AskReset.as_view(), name="password-reset"),
    path("auth/password/reset/confirm", sign_in.ConfirmReset.as_view(), name="password-reset-confirm"),
    path("auth/password/change", sign_in.ChangePassword.as_view(), name="password-change"),
    path("auth/me", me.Me.as_view(), name="me"),
    path("auth/me/picture", me.MyPicture.as_view(), name="my-picture"),
    path("auth/preferences", me.MyPreferences.as_view(), name="preferences"),
    path("admin/invariants", promises.Invariants.as_view(), name="invariants"),
    path("admin/users", people.People.as_view(), name="people"),
    path("admin/users/<uuid:user_id>", people.Person.as_view(), name="person"),
]
