"""Beam, imported without its warning of missing Google clients, which nothing here needs."""

import logging

logging.disable(logging.WARNING)
try:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.pvalue import TaggedOutput
finally:
    logging.disable(logging.NOTSET)

__all__ = ["PipelineOptions", "TaggedOutput", "beam"]
