"""The engine: read → recognise → map → write → settle. Knows no vendor."""
