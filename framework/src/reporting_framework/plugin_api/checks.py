"""Setting of a report for its checks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reporting_framework.plugin_api.report import CheckRef


class CheckSetting(BaseModel):
    """Check by name in the settings of a report; all other keys are its settings."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    check: str = Field(description="Name of the check")

    @property
    def ref(self) -> CheckRef:
        """The check for a `PipelineSpec`."""
        return CheckRef(self.check, dict(self.model_extra or {}))
