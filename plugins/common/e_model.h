// SPDX-License-Identifier: LGPL-2.1-or-later
// The E-model, ITU-T G.107 (06/2015), narrowband: how good a conversation is, from what is known of
// the connection.
#pragma once

namespace dragoman {

/// What the model is fed, with the default of table 2 each. Values outside the table's ranges give
/// figures that the recommendation says nothing of.
struct EModelInput {
  double slr_db = 8;          ///< send loudness rating
  double rlr_db = 2;          ///< receive loudness rating
  double stmr_db = 15;        ///< sidetone masking rating
  double dr_db = 3;           ///< D-value of the telephone, receive side; LSTR is STMR and this
  double ds_db = 3;           ///< D-value of the telephone, send side
  double telr_db = 65;        ///< talker echo loudness rating
  double wepl_db = 110;       ///< weighted echo path loss
  double t_ms = 0;            ///< mean one-way delay of the echo path
  double tr_ms = 0;           ///< round-trip delay in a 4-wire loop
  double ta_ms = 0;           ///< absolute delay in echo-free connections
  double qdu = 1;             ///< quantization distortion units
  double ie = 0;              ///< equipment impairment factor of the codec
  double bpl = 4.3;           ///< packet-loss robustness factor of the codec
  double ppl_pct = 0;         ///< random packet loss probability
  double burst_ratio = 1;     ///< mean length of losses over that of random ones; above 0
  double nc_dbm0p = -70;      ///< circuit noise referred to the 0 dBr point
  double nfor_dbmp = -64;     ///< noise floor at the receive side
  double ps_dba = 35;         ///< room noise at the send side
  double pr_dba = 35;         ///< room noise at the receive side
  double advantage = 0;       ///< A
  double delay_sens = 1;      ///< sT, delay sensitivity
  double min_delay_ms = 100;  ///< mT, least delay that is perceived
};

/// The terms of R = Ro - Is - Id - Ie-eff + A (equation 7-1).
struct EModelRating {
  double ro = 0;      ///< basic signal-to-noise ratio (7.2)
  double is = 0;      ///< simultaneous impairments (7.3)
  double id = 0;      ///< delay: talker echo, listener echo, absolute (7.4)
  double ie_eff = 0;  ///< codec and packet loss (7.5)
  double r = 0;       ///< 93.2 with all defaults; not limited to 0-100
};

/// Pure; any thread.
EModelRating rate_connection(const EModelInput& input);

/// Mean opinion score (MOS-CQE) of `r`, annex B: 4.41 for 93.2, 4.5 from 100 on. Under R = 6.5 the
/// annex's polynomial falls below 1; the answer is 1 there.
double mos_of(double r);

}  // namespace dragoman
