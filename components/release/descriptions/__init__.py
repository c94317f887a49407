"""Says what was released and why: model.json, model card and report."""
