"""What every integration has to say about records that need a person."""

from __future__ import annotations

import pytest

from syncs import catalogue
from syncs.attention.causes import GENERAL, Cause, Fix, cause_of
from syncs.engine.flow import FlowDefinition

INTEGRATIONS = catalogue.all_integrations()
EVERY = [(one.key, flow) for one in INTEGRATIONS for flow in one.flows]
CAUSES = [(one.key, code, cause) for one in INTEGRATIONS for code, cause in one.causes.items()]


@pytest.mark.parametrize("flow", [flow for _, flow in EVERY if flow.matches], ids=lambda flow: flow.key)
def test_what_recognises_records_can_let_go_of_them(flow: FlowDefinition) -> None:
    assert type(flow).release is not FlowDefinition.release


@pytest.mark.parametrize(("integration", "code", "cause"), CAUSES, ids=[code for _, code, _ in CAUSES])
def test_a_cause_is_put_right_where_it_says(integration: str, code: str, cause: Cause) -> None:
    flows = {flow.key: flow for flow in catalogue.get(integration).flows}
    assert cause.advice
    assert not cause.fix_flow or cause.fix_flow in flows
    if cause.fix is Fix.OPTIONS:
        wanted = [flows[cause.fix_flow]] if cause.fix_flow else list(flows.values())
        assert any(flow.options for flow in wanted)
    if cause.fix is Fix.MATCHES:
        assert any(flow.matches for flow in flows.values())


def test_an_unknown_cause_is_shown_as_it_is_named() -> None:
    assert cause_of("never_heard_of") == Cause("Never heard of")
    assert cause_of("match_ambiguous") is GENERAL["match_ambiguous"]
