"""How a run on a cluster goes: its steps, their states, logs and artifacts."""
