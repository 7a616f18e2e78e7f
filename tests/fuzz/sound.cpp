// Fuzz target: a sound of any format, through the checks and libsndfile, read in parts; then one input of it.
#include <cvt/audio.hpp>
#include <cvt/extra/sound.hpp>

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr cvt::sound_limits limits{.max_bytes = 1U << 20, .max_frames = 1U << 20, .max_channels = 8};
    cvt::result<cvt::sound_file> file = cvt::sound_file::from_memory(cvt_fuzz::bytes_of(cvt_fuzz::text_of(data, size)), limits);
    if (!file) return cvt_fuzz::refused(file.error());
    cvt_fuzz::require(file->channels() >= 1 && file->channels() <= limits.max_channels, "more channels than the limit");
    cvt_fuzz::require(file->rate() >= 1 && file->rate() <= limits.max_rate, "a rate beyond the limit");
    static float part[5000], input[40 * 51];
    std::size_t total = 0;
    for (;;) {
        const cvt::result<std::size_t> got = file->read(part);
        if (!got) return cvt_fuzz::refused(got.error());
        cvt_fuzz::require(*got <= std::size(part), "more frames than asked for");
        total += *got;
        if (*got < std::size(part)) break;
    }
    cvt_fuzz::require(total == file->position() && total <= limits.max_frames, "frames that were not counted");
    static cvt::audio_preprocessor preprocessor = [] {
        cvt::spectrogram s = cvt::protoclr;
        s.mels = 40;
        s.length = 16000;
        return cvt::audio_preprocessor{s};
    }();
    const cvt::error e =
        preprocessor.run(std::span<const float>{part, std::min(total, std::size(part))}, cvt::view<float, 3>{input, 1, 40, 51});
    if (e) return cvt_fuzz::refused(e);
    for (const float v : input) cvt_fuzz::require(cvt::detail::is_finite(v), "a value of a spectrogram that is not finite");
    return 0;
}
