"""Workflows: drawn as a draft, checked, published, paused, started by hand, looked at."""

from __future__ import annotations

from pyramid.config import Configurator

from autoloop.base.i18n import _


def includeme(config: Configurator) -> None:
    from autoloop.base.search import Source, by_name
    from autoloop.engine.models import Workflow
    from autoloop.engine.resources import Runs
    from autoloop.workflows import resources, services
    from autoloop.workflows.services.figures import overview
    from autoloop.workspaces.resources import Workspace

    registrations = config.registry.registrations
    registrations.search_sources["workflows"] = Source(_("Workflows"), by_name(Workflow))
    loaders = registrations.fact_loaders
    loaders.setdefault("overview", []).append(overview)
    loaders["workflow_exists"] = services.existing_workflows
    config.add_child(Workspace, "workflows", resources.Workflows)
    config.add_child(Workspace, "step-types", resources.StepTypes)
    config.add_child(Workspace, "trigger-types", resources.TriggerTypes)
    config.add_child(resources.Workflow, "draft", resources.Draft)
    config.add_child(resources.Workflow, "versions", resources.Versions)
    config.add_child(resources.Workflow, "triggers", resources.Triggers)
    config.add_child(resources.Workflow, "stats", resources.Stats)
    config.add_child(resources.Workflow, "runs", Runs)
    config.add_nav("workflows", _("Workflows"), "workflow", section="Automate", order=10, key="w")
    config.scan("autoloop.workflows.views")
    config.scan("autoloop.workflows.pages")
