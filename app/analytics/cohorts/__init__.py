"""Cohorts: customers by when they first bought or first came, influencers by when they joined, and what became of them.

`query → resolve → sql → runner → answer`, as for `analytics`; what each word means is in SEMANTICS, Cohorts.
"""
