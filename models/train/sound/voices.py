"""The voices of the synthesiser: each gives mel power `[N, FRAMES, BANDS]` for N clips at once.

A clip is described by knobs (numbers in [0, 1], which a variant of it moves a little) and by choices
(which a variant keeps). What neither fixes, noise, phases and the times of events, is drawn anew for
every variant.
"""
import math

import torch

from front import (BAND_HZ, CONTROLS, FRAME_TIMES, FRAMES, BANDS, OCTAVES, RATE, SAMPLES, SECONDS,
                   TIMES, decay_along, magnitudes, sine_powers, to_frames, to_samples, wander)

EVENTS, PARTIALS, MODES, GRAINS, TABLE = 14, 80, 12, 64, 1024
CONTINUOUS, ONCE, REGULAR, IRREGULAR, BURST = range(5)
RATIOS = torch.tensor([0.25, 0.5, 1.0, 1.19, 1.41, 2.0, 2.5, 3.14])
# Partials of a free bar and of a clamped one (Fletcher and Rossing, The Physics of Musical
# Instruments, 2.13 and 2.14), a membrane (3.2), and of a bell with a minor third (21.1).
MODE_RATIOS = torch.tensor([
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    [1, 2.757, 5.404, 8.933, 13.34, 18.64, 24.81, 31.87, 39.81, 48.63, 58.3, 68.9],
    [1, 6.267, 17.55, 34.39, 56.84, 84.9, 1.5, 9.4, 26.3, 51.6, 85.3, 127.0],
    [1, 1.593, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.6, 3.652, 4.06, 4.154],
    [0.5, 1, 1.2, 1.5, 2, 2.5, 2.667, 3, 4, 5.33, 6.67, 8],
])


class Knobs:
    """Reads the columns of `u [N, COUNT]` by name; a name gets its column when it is first read."""

    COUNT = 192
    columns = {}

    def __init__(self, u):
        self.u = u

    def of(self, rows):
        return Knobs(self.u[rows])

    def get(self, name):
        """`[N, 1]`."""
        column = self.columns.setdefault(name, len(self.columns))
        if column >= self.COUNT:
            raise IndexError(f"{name} is knob {column}, and there are only {self.COUNT}")
        return self.u[:, column:column + 1]

    def lin(self, name, low, high):
        return low + (high - low) * self.get(name)

    def log(self, name, low, high):
        return low * (high / low) ** self.get(name)

    def late(self, name, high=1.0):
        """Nothing in the lower half of the knob, then up to `high`."""
        return (2 * self.get(name) - 1).clamp(min=0) * high


class Events:
    """When a voice sounds: envelope, place within the event and its number at every control."""

    def __init__(self, knobs, name, kind):
        n = len(kind)
        number = torch.arange(EVENTS)[None].float()
        period = knobs.log(f"{name}.period", 0.06, 0.9)
        attack = knobs.log(f"{name}.attack", 0.002, 0.25)
        hold = knobs.log(f"{name}.hold", 0.005, 0.5)
        decay = knobs.log(f"{name}.decay", 0.008, 0.7)
        once = kind == ONCE
        first = torch.where(once, knobs.lin(f"{name}.first", 0, 0.8), torch.rand(n, 1) * period)
        jitter = knobs.lin(f"{name}.jitter", 0, 0.5) * (kind == IRREGULAR)
        self.onsets = first + number * period + jitter * period * torch.randn(n, EVENTS)
        burst = 2 + torch.floor(knobs.lin(f"{name}.burst", 0, 4))
        last = torch.where(once, 1.0, torch.where(kind == BURST, burst, 99.0))
        spread = knobs.lin(f"{name}.spread", 0, 0.8)
        swell = knobs.lin(f"{name}.swell", -0.15, 0.15) * (kind != ONCE)
        self.levels = torch.exp(spread * torch.randn(n, EVENTS) + swell * number) * (number < last)
        fit = torch.where(once, 1.0, (period / (attack + hold + decay)).clamp(max=1.0))
        attack, hold, decay = attack * fit, hold * fit, decay * fit

        envelope, phase = torch.zeros(n, CONTROLS), torch.zeros(n, CONTROLS)
        self.number = torch.zeros(n, CONTROLS, dtype=torch.long)
        for i in range(EVENTS):
            x = TIMES - self.onsets[:, i:i + 1]
            level = (x / attack).clamp(0, 1) * self.levels[:, i:i + 1]
            level = level * torch.exp(-(x - attack - hold).clamp(min=0) / (0.35 * decay))
            here = (x > 0) & (level > 1e-3)
            phase = torch.where(here, (x / (attack + hold + decay)).clamp(0, 1.5), phase)
            self.number[here] = i
            envelope = torch.maximum(envelope, level)
        steady = kind == CONTINUOUS
        self.envelope = torch.where(steady, 1.0, envelope)
        self.phase = torch.where(steady, TIMES / SECONDS, phase)
        self.steady = steady.float()

    def of(self, rows):
        part = object.__new__(Events)
        part.__dict__ = {key: value[rows] for key, value in self.__dict__.items()}
        return part


def wave(choice, phase):
    """A slow wave in [0, 1]: sine, square with soft edges or saw, by `choice [N, 1]`."""
    sine = 0.5 + 0.5 * torch.sin(2 * math.pi * phase)
    return torch.where(choice == 0, sine, torch.where(choice == 1, torch.sigmoid(20 * (sine - 0.5)),
                                                      phase % 1))


def moved(knobs, name, choices, events):
    """The envelope with tremolo and gusts."""
    n = len(events.phase)
    rate, depth = knobs.log(f"{name}.tremolo", 0.8, 60), knobs.late(f"{name}.depth")
    tremolo = wave(choices["lfo"], rate * TIMES + torch.rand(n, 1)) * depth * choices["tremolo"]
    gusts = knobs.lin(f"{name}.gusts", 0, 1) * choices["gusts"] * wander(n, 12)
    return events.envelope * (1 - tremolo) * torch.exp(gusts)


def colour(knobs, name, choices, events, widest):
    """Mel power gain of a tilt and three resonances that may move within an event."""
    phase = to_frames(events.phase)[:, :, None]
    gain = 0.0
    for i in range(3):
        centre = knobs.lin(f"{name}.centre{i}", -3, 2.9)[:, :, None]
        centre = centre + (knobs.lin(f"{name}.move{i}", -1.5, 1.5) * choices["sweep"])[:, :, None] * phase
        width = knobs.log(f"{name}.width{i}", 0.08, widest)[:, :, None]
        gain = gain + knobs.get(f"{name}.peak{i}")[:, :, None] * torch.exp(
            -0.5 * ((OCTAVES - centre) / width) ** 2)
    tilt = knobs.lin(f"{name}.tilt", -9, 5)[:, :, None] * OCTAVES
    return 10 ** ((tilt + knobs.lin(f"{name}.peaks", 2, 26)[:, :, None] * gain) / 10)


def tonal(knobs, name, choices, events, low, high):
    """A wavetable played with glides, melodies, vibrato, FM, ring modulation, breath and overdrive."""
    n, phase = len(events.phase), events.phase
    octaves = knobs.lin(f"{name}.glide", -1.6, 1.6) * choices["glide"] * (phase - 0.5)
    octaves = octaves + knobs.lin(f"{name}.bend", -1.2, 1.2) * choices["glide"] * (
        (2 * phase - 1) ** 2 - 0.5)
    octaves = octaves + knobs.lin(f"{name}.steps", 0, 0.8) * choices["melody"] * torch.gather(
        choices["notes"], 1, events.number)
    vibrato = wave(choices["lfo2"], knobs.log(f"{name}.vibrato", 1.5, 45) * TIMES + torch.rand(n, 1))
    octaves = octaves + knobs.log(f"{name}.vibrato_depth", 0.004, 1.0) * choices["vibrato"] * vibrato
    octaves = octaves + knobs.log(f"{name}.walk", 0.003, 0.6) * choices["walk"] * wander(n, 9)
    hz = (knobs.log(f"{name}.pitch", low, high) * 2**octaves).clamp(25, 7000)

    number = torch.arange(1, PARTIALS + 1)[None].float()
    partials = number ** -knobs.lin(f"{name}.slope", 0, 2.6)
    partials = partials * torch.exp(knobs.lin(f"{name}.rough", 0, 1.5) * choices["partials"])
    partials = partials * (1 - knobs.late(f"{name}.odd") * (number % 2 == 0))
    partials = partials * (number * hz.amax(1, keepdim=True) < 7800)
    spectrum = torch.zeros(n, TABLE // 2 + 1, dtype=torch.complex64)
    spectrum[:, 1:PARTIALS + 1] = torch.polar(partials, 2 * math.pi * torch.rand(n, PARTIALS))
    table = torch.fft.irfft(spectrum, TABLE)
    table = table / (table.pow(2).mean(1, keepdim=True).sqrt() + 1e-6)
    play = lambda at: torch.gather(table, 1, ((at % 1) * TABLE).long().clamp_(0, TABLE - 1))

    turns = torch.cumsum(to_samples(hz) / RATE, 1)
    modulation = torch.sin(2 * math.pi * turns * RATIOS[choices["ratio"]])
    bent = turns + knobs.log(f"{name}.fm", 0.02, 1.2) * choices["fm"] * modulation
    x = play(bent + torch.rand(n, 1))
    two = choices["two"].bool()[:, 0]
    if two.any():
        x[two] += play_rows(table, bent, choices["interval"], two)
    x = x * (1 + choices["ring"] * knobs.get(f"{name}.ring") * (modulation - 1))
    x = x + knobs.log(f"{name}.breath", 0.001, 0.6) * choices["breath"] * torch.randn(n, SAMPLES)
    x = x * to_samples(moved(knobs, name, choices, events))
    drive = knobs.log(f"{name}.drive", 0.5, 8)
    x = torch.where(choices["drive"] > 0, torch.tanh(drive * x), x)
    return magnitudes(x) ** 2 * colour(knobs, name, choices, events, 0.7)


def play_rows(table, turns, interval, rows):
    """The second oscillator, only where there is one."""
    at = ((turns[rows] * interval[rows]) % 1 * TABLE).long().clamp_(0, TABLE - 1)
    return torch.gather(table[rows], 1, at)


def noise(knobs, name, choices, events):
    """White noise through the moving filter: its mel power is drawn band by band, frame by frame."""
    n = len(events.phase)
    # Two neighbouring frames share 60 % of their samples; a short moving mean stands for that.
    draws = torch.randn(n, FRAMES + 1, BANDS, 3) ** 2
    power = (0.65 * draws[:, 1:] + 0.35 * draws[:, :-1]).mean(3)
    power = power * (BAND_HZ / 1000.0 + 0.5)
    envelope = to_frames(moved(knobs, name, choices, events) ** 2)
    return power * envelope[:, :, None] * colour(knobs, name, choices, events, 2.0)


def pulses(knobs, name, choices, events):
    """Clicks, periodic, jittered or by chance, each ringing for a while in every band."""
    n = len(events.phase)
    rate = knobs.log(f"{name}.rate", 1.2, 250)
    drift = torch.exp(knobs.lin(f"{name}.drift", 0, 0.5) * choices["walk"] * wander(n, 7))
    turns = torch.cumsum(to_samples(rate * drift) / RATE, 1) + torch.rand(n, 1)
    turns = turns + knobs.lin(f"{name}.jitter", 0, 0.4) * choices["jitter"] * to_samples(wander(n, 60))
    whole = torch.floor(turns)
    train = torch.zeros(n, SAMPLES)
    train[:, 1:] = (whole[:, 1:] > whole[:, :-1]).float()
    by_chance = (torch.rand(n, SAMPLES) < rate / RATE).float() * torch.sign(torch.randn(n, SAMPLES))
    train = torch.where(choices["chance"] > 0, by_chance, train)
    train = train * torch.exp(knobs.lin(f"{name}.spread", 0, 1.5) * torch.randn(n, SAMPLES))
    train = train * to_samples(moved(knobs, name, choices, events))
    power = magnitudes(train) ** 2 * colour(knobs, name, choices, events, 0.35)
    ring = knobs.log(f"{name}.ring", 0.004, 0.5) * 2 ** (knobs.lin(f"{name}.damping", -0.8, 0.2) * OCTAVES)
    return fade(decay_along(power, torch.exp(-0.02 / ring) * 0.98), choices)


def fade(power, choices):
    """Where chosen, the power of a band fluctuates from frame to frame as that of a noise does."""
    change = choices["flutter"][:, :, None] * (2 * torch.rand_like(power) - 1)
    return power * (1 - change).clamp(min=0.02)


def struck(knobs, name, choices, events):
    """Something is hit: modes that ring with a decay each, and the click of the hit."""
    n = len(events.phase)
    ratios = MODE_RATIOS[choices["body"][:, 0]] * 2 ** (
        knobs.lin(f"{name}.bent", 0, 0.35) * choices["modes"])
    hz = knobs.log(f"{name}.pitch", 80, 3500) * ratios
    power = torch.exp(knobs.lin(f"{name}.rough", 0, 2.5) * choices["mode_levels"])
    power = power * ratios ** -knobs.lin(f"{name}.slope", 0, 3)
    ring = knobs.log(f"{name}.ring", 0.01, 1.2) * ratios.clamp(min=0.25) ** -knobs.lin(f"{name}.damping", 0, 1.5)
    starts = torch.where(events.steady > 0, torch.rand(n, EVENTS) * SECONDS, events.onsets)
    levels = torch.where(events.steady > 0, torch.exp(0.5 * torch.randn(n, EVENTS)), events.levels)
    ringing, click = torch.zeros(n, MODES, FRAMES), torch.zeros(n, FRAMES)
    short = knobs.log(f"{name}.click_ring", 0.003, 0.04)
    for i in range(EVENTS):
        x = FRAME_TIMES[None] - starts[:, i:i + 1]
        rise = (levels[:, i:i + 1] * ((x + 0.0125) / 0.025).clamp(0, 1)) ** 2
        x = x.clamp(min=0)
        ringing += rise[:, None] * torch.exp(-2 * x[:, None] / ring[:, :, None])
        click += rise * torch.exp(-2 * x / short)
    beats = knobs.log(f"{name}.beats", 0.5, 25) * (1 + 0.3 * choices["modes"])
    beating = torch.cos(2 * math.pi * (beats[:, :, None] * FRAME_TIMES + torch.rand(n, MODES, 1)))
    ringing = ringing * (1 + 0.9 * choices["beats"][:, :, None] * beating)
    modes = torch.einsum("nkt,nkb->ntb", ringing * power[:, :, None], sine_powers(hz))
    modes = modes / (modes.amax((1, 2), keepdim=True) + 1e-9)
    hit = click[:, :, None] * torch.rand(n, FRAMES, BANDS) * 2 * colour(knobs, name, choices, events, 2.0)
    hit = hit / (hit.amax((1, 2), keepdim=True) + 1e-9)
    return modes + hit * 10 ** (knobs.lin(f"{name}.click", -30, 6)[:, :, None] / 10)


def grains(knobs, name, choices, events):
    """A shower of short sounds: drops, bubbles, crackling, rustling."""
    n = len(events.phase)
    density = knobs.log(f"{name}.density", 3, 120) * SECONDS
    alive = (torch.arange(GRAINS)[None] < density).float()
    starts = torch.rand(n, GRAINS) * SECONDS
    here = (starts / SECONDS * (CONTROLS - 1)).long()
    level = torch.exp(knobs.lin(f"{name}.spread", 0, 1.6) * torch.randn(n, GRAINS)) * alive
    level = level * torch.gather(moved(knobs, name, choices, events), 1, here)
    ring = knobs.log(f"{name}.ring", 0.003, 0.15) * torch.exp(
        knobs.lin(f"{name}.ring_spread", 0, 0.8) * torch.randn(n, GRAINS))
    centre = knobs.lin(f"{name}.centre", -2.5, 2.5) + knobs.lin(f"{name}.scatter", 0, 1.5) * torch.randn(n, GRAINS)
    width = knobs.log(f"{name}.width", 0.06, 1.5)
    x = FRAME_TIMES[None, None] - starts[:, :, None]
    power = (level[:, :, None] * ((x + 0.0125) / 0.025).clamp(0, 1)) ** 2
    power = power * torch.exp(-2 * x.clamp(min=0) / ring[:, :, None])
    shape = torch.exp(-((OCTAVES - centre[:, :, None]) / width[:, :, None]) ** 2)
    return fade(torch.einsum("ngt,ngb->ntb", power, shape), choices)
