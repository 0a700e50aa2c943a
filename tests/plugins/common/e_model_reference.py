# SPDX-License-Identifier: LGPL-2.1-or-later
"""ITU-T G.107 (06/2015) from its equations, with their symbols: for each line of numbers on standard input (the
parameters in the order of `NAMES`) a line with R and MOS."""

import sys
from math import exp, log10, sqrt

NAMES = "SLR RLR STMR Dr Ds TELR WEPL T Tr Ta qdu Ie Bpl Ppl BurstR Nc Nfor Ps Pr A sT mT".split()


def transmission_rating(SLR, RLR, STMR, Dr, Ds, TELR, WEPL, T, Tr, Ta, qdu, Ie, Bpl, Ppl, BurstR, Nc, Nfor, Ps, Pr, A, sT, mT):
    LSTR = STMR + Dr
    OLR = SLR + RLR
    # 7.2
    Nos = Ps - SLR - Ds - 100 + 0.004 * (Ps - OLR - Ds - 14) ** 2
    Pre = Pr + 10 * log10(1 + 10 ** ((10 - LSTR) / 10))
    Nor = RLR - 121 + Pre + 0.008 * (Pre - 35) ** 2
    Nfo = Nfor + RLR
    No = 10 * log10(sum(10 ** (N / 10) for N in (Nc, Nos, Nor, Nfo)))
    Ro = 15 - 1.5 * (SLR + No)
    # 7.3
    Xolr = OLR + 0.2 * (64 + No - RLR)
    Iolr = 20 * ((1 + (Xolr / 8) ** 8) ** (1 / 8) - Xolr / 8)
    STMRo = -10 * log10(10 ** (-STMR / 10) + exp(-T / 4) * 10 ** (-TELR / 10))
    Ist = (12 * (1 + ((STMRo - 13) / 6) ** 8) ** (1 / 8) - 28 * (1 + ((STMRo + 1) / 19.4) ** 35) ** (1 / 35)
           - 13 * (1 + ((STMRo - 3) / 33) ** 13) ** (1 / 13) + 29)
    Q = 37 - 15 * log10(qdu)
    G = 1.07 + 0.258 * Q + 0.0602 * Q ** 2
    Y = (Ro - 100) / 15 + 46 / 8.4 - G / 9
    Z = 46 / 30 - G / 40
    Iq = 15 * log10(1 + 10 ** Y + 10 ** Z)
    Is = Iolr + Ist + Iq
    # 7.4
    TERV = TELR - 40 * log10((1 + T / 10) / (1 + T / 150)) + 6 * exp(-0.3 * T ** 2)
    TERVs = TERV + Ist / 2 if STMR < 9 else TERV
    Re = 80 + 2.5 * (TERVs - 14)
    Roe = -1.5 * (No - RLR)
    Idte = ((Roe - Re) / 2 + sqrt((Roe - Re) ** 2 / 4 + 100) - 1) * (1 - exp(-T))
    if STMR > 20:
        Idte = sqrt(Idte ** 2 + Ist ** 2)
    Rle = 10.5 * (WEPL + 7) * (Tr + 1) ** -0.25
    Idle = (Ro - Rle) / 2 + sqrt((Ro - Rle) ** 2 / 4 + 169)
    Idd = 0
    if Ta > mT:
        X = log10(Ta / mT) / log10(2)
        Idd = 25 * ((1 + X ** (6 * sT)) ** (1 / (6 * sT)) - 3 * (1 + (X / 3) ** (6 * sT)) ** (1 / (6 * sT)) + 2)
    Id = Idte + Idle + Idd
    # 7.5
    Ie_eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl)
    return Ro - Is - Id - Ie_eff + A


def mos(R):
    if R < 6.5:
        return 1
    return 4.5 if R > 100 else 1 + 0.035 * R + R * (R - 60) * (100 - R) * 7e-6


for line in sys.stdin:
    rating = transmission_rating(**dict(zip(NAMES, map(float, line.split()), strict=True)))
    print(repr(rating), repr(mos(rating)))
