from __future__ import annotations

from django.urls import path

from mlconnector.tenants import views

app_name = "tenants"
urlpatterns = [
    path("workspace/new/", views.new_workspace, name="new"),
    path("workspace/choose/", views.choose_workspace, name="choose"),
    path("members/", views.members, name="members"),
    path("members/<int:member_id>/role/", views.change_role, name="role"),
    path("members/<int:member_id>/remove/", views.remove_member, name="remove"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("api-keys/", views.keys, name="keys"),
    path("api-keys/<str:prefix>/revoke/", views.revoke_key, name="revoke"),
]
