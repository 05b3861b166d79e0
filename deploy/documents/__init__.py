"""What is told of the product, made from its code.

In: settings and records.
Out: an AsyncAPI document of the topics (`asyncapi`), and pages of topics (`topics_page`), settings (`settings_page`)
and metrics (`metrics_page`).
"""
