// SPDX-License-Identifier: LGPL-2.1-or-later
// The element messages of this library: the one contract between elements, `dragoman run`, the
// media worker and the launcher. Field names use '-' in messages and over D-Bus and '_' in JSON.
// Fields named *-utc are guint64, ns since 1970; *-ms are gdouble milliseconds; `start`, `end` are
// gdouble seconds of stream time. Every message that belongs to a stretch of the stream also has
// `timestamp`, `stream-time`, `running-time`, `duration` (guint64 ns), as `level`'s have.
//
// transcript   sttsink: what was heard, partial or final. A final is one clause, committed for
// good.
//   channel s · utterance t (UTC µs of the utterance's start: unique in its channel) · clause u (0,
//   1, … in it) · text s · language s (BCP 47 primary tag) · start d · end d · is-final b ·
//   provider s · start-utc t · end-utc t (end of the clause's speech) · committed-utc t ·
//   endpoint-ms d (end of speech to the decision that it ended) · decode-ms d · confidence d
//   (absent where the engine gives none)
// translation  ttssrc, captionsrc: a clause in the listener's language.
//   channel s · utterance t · clause u · source-text s · source-language s · text s · language s ·
//   provider s · start-utc t · end-utc t · committed-utc t · translated-utc t · translation-ms d
// spoken       ttssrc: the first sample of a translated clause has left. All fields of its
// `translation`, and
//   tts-provider s · first-audio-utc t (when the first sample is due to leave) · tts-first-audio-ms
//   d (text in to first sample made) · delay-ms d (end-utc to first-audio-utc) · rate d (1 = normal
//   speaking rate) · audio-ms d
// bucket       stationprobe: one 5 s bucket of one tap.
//   station s · tap s · trace s · bucket-utc t (start of the bucket) · bucket-ms u (what of it was
//   measured: less than 5000 for the first and last) · metrics: structure of one structure per key
//   {count t, min d, max d, avg d, last d}
// segment      wavsegmenter: a WAV file is complete under its final name.
//   station s · tap s · trace s · bucket-utc t · bucket-ms u · location s · sample-rate u ·
//   channels u · frames t · format s (WAV_PCM_S16LE_MONO) · dropped-ms d (audio not written since
//   the start, queue full or disk failing)
// segment-lost  wavsegmenter: of a bucket that is over the disk did not take all.
//   station s · tap s · trace s · bucket-utc t · lost-ms d (of this bucket) · dropped-ms d (as
//   segment's)
// media-started  ariudpsrc: first RTP packet accepted.  peer s ("host:port") · payload-type u ·
// at-utc t provider-error  sttsink, ttssrc, captionsrc: a provider failed.  provider s · kind s
// (stt, translate, tts) · error s ·
//   next s (provider that takes over; empty: none, and the text was kept or spoken untranslated, as
//   `error` says)
// warning  the media worker, for an element's WARNING: something is wrong and it goes on.
//   element s · text s
#pragma once

namespace dragoman::messages {

inline constexpr char kTranscript[] = "transcript";
inline constexpr char kTranslation[] = "translation";
inline constexpr char kSpoken[] = "spoken";
inline constexpr char kBucket[] = "bucket";
inline constexpr char kSegment[] = "segment";
inline constexpr char kSegmentLost[] = "segment-lost";
inline constexpr char kMediaStarted[] = "media-started";
inline constexpr char kProviderError[] = "provider-error";
inline constexpr char kWarning[] = "warning";

}  // namespace dragoman::messages
