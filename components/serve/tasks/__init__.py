"""The tasks that a served model may do: answer, label or rank."""
