from __future__ import annotations

from django.urls import path

from connections import views

app_name = "connections"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.choose, name="choose"),
    path("new/<slug:connector>/", views.create, name="create"),
    path("new/<slug:connector>/sandbox/", views.sandbox, name="sandbox"),
    path("<int:connection_id>/", views.detail, name="detail"),
    path("<int:connection_id>/edit/", views.edit, name="edit"),
    path("<int:connection_id>/test/", views.test, name="test"),
    path("<int:connection_id>/prepare/", views.prepare, name="prepare"),
    path("<int:connection_id>/delete/", views.delete, name="delete"),
]
