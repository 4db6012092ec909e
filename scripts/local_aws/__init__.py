"""The local AWS: ministack behind one seam, with the corrections that make it behave as AWS documents."""
