"""The engine's verbs: versions, enrolment, stimuli, runs, workflows."""
