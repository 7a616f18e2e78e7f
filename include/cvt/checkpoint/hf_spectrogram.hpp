// Reads and writes the preprocessor_config.json of a model for sounds: how they become spectrograms.
#pragma once

#include "../audio/spectrogram.hpp"
#include "formats/other_files.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The value of feature_extractor_type. No class of transformers computes these spectrograms.
inline constexpr const char* spectrogram_type = "CvtSpectrogram";

/// Whether the text is that of a model for sounds. Every feature extractor of transformers for sounds writes sampling_rate.
inline bool is_for_sounds(std::string_view text) noexcept {
    const result<json> document = json::parse(text);
    if (!document) return false;
    const json_value type = document->root().find("feature_extractor_type");
    return document->root().find("sampling_rate") || type.is_text(spectrogram_type);
}

/// Reads the text, called `file` in messages. The keys are those of transformers' CLAP and AST feature extractors and of its function
/// `spectrogram`, where there are any. The extractors of transformers compute other spectrograms and are refused.
/// Errors: malformed (not JSON), bad_config (types, values, missing keys), unsupported (another feature extractor).
inline result<spectrogram> read_hf_spectrogram(std::string_view text, const char* file = "preprocessor_config.json") noexcept {
    const result<json> document = json::parse(text);
    if (!document) return not_json(file, text, document.error());
    json_fields fields(document->root(), file);
    const json_value type = fields.get("feature_extractor_type");
    if (fields && !type.is_text(spectrogram_type)) fields.mismatch("feature_extractor_type", "\"CvtSpectrogram\"", type, errc::unsupported);
    spectrogram s;
    struct field {
        const char* key;
        int spectrogram::*member;
    };
    for (const auto [key, member] : {field{"sampling_rate", &spectrogram::rate},
                                     {"nb_max_samples", &spectrogram::length},
                                     {"fft_window_size", &spectrogram::n_fft},
                                     {"hop_length", &spectrogram::hop},
                                     {"feature_size", &spectrogram::mels}}) {
        if (fields && !fields.get(key)) fields.mismatch(key, "an integer", {});
        fields.read(key, s.*member);
    }
    s.window = s.n_fft;
    fields.read("win_length", s.window);
    s.f_max = s.rate / 2;
    fields.read("frequency_min", s.f_min);
    fields.read("frequency_max", s.f_max);
    fields.choose<mel_scale>("mel_scale", fields.get("mel_scale"), {"htk", "slaney"}, "\"htk\" or \"slaney\"", s.scale);
    s.slaney_norm = fields.get("norm").is_text("slaney");
    if (const json_value norm = fields.get("norm"); norm && !s.slaney_norm) fields.mismatch("norm", "null or \"slaney\"", norm);
    fields.read("power", s.power);
    // null means no logarithm, and a missing key decibels.
    if (document->root().find("log_mel").is(json_kind::null)) s.loudness = loudness::linear;
    bool natural = false;
    fields.choose<bool>("log_mel", fields.get("log_mel"), {"dB", "log"}, "\"dB\", \"log\" or null", natural);
    if (natural) s.loudness = loudness::natural_log;
    fields.read("mel_floor", s.floor);
    fields.read("top_db", s.top_db);
    fields.read("min_max", s.min_max);
    bool normalise = true;
    fields.read("do_normalize", normalise);
    if (normalise) {
        fields.read("mean", s.mean);
        fields.read("std", s.deviation);
    }
    fields.choose<sound_padding>("padding", fields.get("padding"), {"pad", "repeat"}, "\"pad\" or \"repeat\"", s.padding);
    if (!fields) return fields.failure();
    if (error e = validate(s)) return error::format(errc::bad_config, "%s: %s", file, e.what());
    return s;
}

/// Writes the text of a preprocessor_config.json that means `s`. Errors: out_of_memory.
inline error write_hf_spectrogram(const spectrogram& s, json_writer& json) noexcept {
    json.begin_object().key("feature_extractor_type").string(spectrogram_type);
    json.key("sampling_rate").integer(s.rate).key("nb_max_samples").integer(s.length);
    json.key("max_length_s").real(static_cast<double>(s.length) / s.rate);
    json.key("fft_window_size").integer(s.n_fft).key("win_length").integer(s.window).key("hop_length").integer(s.hop);
    json.key("feature_size").integer(s.mels).key("frequency_min").real(s.f_min).key("frequency_max").real(s.f_max);
    json.key("mel_scale").string(to_string(s.scale));
    if (s.slaney_norm) json.key("norm").string("slaney");
    json.key("power").real(s.power).key("log_mel");
    if (s.loudness == loudness::linear)
        json.null();
    else
        json.string(s.loudness == loudness::decibels ? "dB" : "log");
    json.key("mel_floor").real(s.floor).key("top_db").real(s.top_db).key("min_max").boolean(s.min_max);
    json.key("do_normalize").boolean(true).key("mean").real(s.mean).key("std").real(s.deviation);
    json.key("padding").string(s.padding == sound_padding::zeros ? "pad" : "repeat").end_object();
    return json.good() ? error{} : error::out_of_memory("preprocessor_config.json", json.text().size());
}

}  // namespace checkpoint
CVT_NAMESPACE_END
