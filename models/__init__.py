"""WHAT IS FITTED: windows into claims; knows the types that flow and no judge."""
