"""What the API and the console have in common: the parts that they call, and how a file comes in.

They know nothing of each other, and both are thin: what may be done is in the areas below.
"""
