from __future__ import annotations

from django.urls import path

from mlconnector.tenants import views, workspace_views

app_name = "tenants"
urlpatterns = [
    path("workspace/", workspace_views.workspace, name="workspace"),
    path("workspace/new/", workspace_views.new_workspace, name="new"),
    path("workspace/choose/", workspace_views.choose_workspace, name="choose"),
    path("workspace/leave/", workspace_views.leave, name="leave"),
    path("workspace/hand-over/", workspace_views.hand_over, name="hand-over"),
    path("workspace/delete/", workspace_views.close, name="close"),
    path("members/", views.members, name="members"),
    path("members/<int:member_id>/role/", views.change_role, name="role"),
    path("members/<int:member_id>/remove/", views.remove_member, name="remove"),
    path("members/invitations/<int:invitation_id>/send/", views.send_again, name="send-again"),
    path("members/invitations/<int:invitation_id>/withdraw/", views.withdraw, name="withdraw"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("api-keys/", views.keys, name="keys"),
    path("api-keys/<str:prefix>/revoke/", views.revoke_key, name="revoke"),
]
