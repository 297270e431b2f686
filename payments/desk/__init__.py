"""The clerk's desk: a booking taken on the phone, on one screen.

The screen keeps everything in its form. Each button posts all of it; the answer is the same screen with all that was typed
and all that can be told by now, so that it works without scripts, and a refusal loses nothing.
"""
