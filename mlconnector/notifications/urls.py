from __future__ import annotations

from django.urls import path

from mlconnector.notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/<slug:kind>/", views.add, name="add"),
    path("<int:channel_id>/", views.change, name="change"),
    path("<int:channel_id>/test/", views.test, name="test"),
    path("<int:channel_id>/delete/", views.delete, name="delete"),
]
