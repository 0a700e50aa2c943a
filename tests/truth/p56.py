# ITU-T P.56 method B by numpy: the active speech level, an implementation of its own.
import numpy as np

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
STEPS = 15


def envelope(samples, rate):
    """Two exponential averages of the magnitude, one after the other."""
    decay = np.exp(-1 / (rate * TIME_CONSTANT_S))
    out = np.empty(len(samples))
    p = q = 0.0
    for i, magnitude in enumerate(np.abs(samples)):
        p = decay * p + (1 - decay) * magnitude
        q = decay * q + (1 - decay) * p
        out[i] = q
    return out


def active_level(samples, rate):
    """dBFS where a full-scale square wave is 0; None in silence."""
    energy = np.sum(np.square(samples))
    if energy == 0:
        return None
    q, hangover = envelope(samples, rate), int(round(HANGOVER_S * rate))
    before = None
    levels = []  # by threshold, from the highest
    for exponent in range(1, STEPS + 1):
        threshold = 2.0 ** -exponent
        above = q >= threshold
        active = np.convolve(above, np.ones(hangover + 1))[:len(above)] > 0
        count = np.count_nonzero(active)
        if count:
            levels.append((10 * np.log10(energy / count), 20 * np.log10(threshold)))
    for level, threshold in levels:
        margin = level - threshold
        if margin >= MARGIN_DB:
            if before is None:
                return level
            level_before, margin_before = before
            share = (MARGIN_DB - margin_before) / (margin - margin_before)
            return level_before + share * (level - level_before)
        before = (level, margin)
    return before[0] if before else None
