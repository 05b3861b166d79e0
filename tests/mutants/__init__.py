"""`make mutants`: one line of the product is made wrong at a time, and a test must fail. See `catalogue` for which.

What survives is behaviour that nobody would miss, or that a test is missing for.
"""
