// Recordings: chunks and their records, hop and padding, arrays, pictures, evaluation, resume, archives, and what is not a recording.
#include <sys/stat.h>

#include <cvt/audio.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/npy.hpp>
#include <limits>

#include "classify.hpp"
#include "pictures.hpp"
#include "sound_model.hpp"
#include "support/sounds.hpp"

using namespace cvt_test;

namespace {

constexpr int rate = 8000, length = 4000;  // of the model: chunks of 0.5 s

struct fixture {
    temporary_folder folder;
    std::string model = write_sound_model(folder / "model");

    [[nodiscard]] std::string write_wav(const std::string& name, const std::vector<float>& samples, int at_rate = rate,
                                        int channels = 1) const {
        const std::string path = folder / name;
        std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
        REQUIRE(write_file(path, wav_file(samples, at_rate, channels)));
        return path;
    }
    [[nodiscard]] outcome run(std::vector<std::string> arguments, const std::string& standard_input = {}) const {
        arguments.insert(arguments.begin(), {"--model", model, "--format", "jsonl"});
        return classify(arguments, standard_input);
    }
    /// The rows of an array that the program writes for these arguments.
    [[nodiscard]] std::vector<std::vector<float>> rows(const std::string& option, std::vector<std::string> arguments) const {
        const std::string path = folder / "rows.npy";
        std::filesystem::remove(path);
        arguments.insert(arguments.begin(), {option, path});
        static_cast<void>(run(arguments));
        auto file = cvt::npy_file::open(path.c_str());
        REQUIRE(file);
        std::size_t width = 1;
        for (std::size_t i = 1; i < file->shape().size(); ++i) width *= file->shape()[i];
        std::vector<std::vector<float>> all(file->shape()[0], std::vector<float>(width));
        for (std::size_t i = 0; i < all.size(); ++i) REQUIRE_FALSE(file->read(i * width, all[i]));
        return all;
    }
};

std::vector<float> part(const std::vector<float>& samples, std::size_t from, std::size_t count) {
    const auto begin = samples.begin() + static_cast<std::ptrdiff_t>(from);
    return {begin, begin + static_cast<std::ptrdiff_t>(std::min(count, samples.size() - from))};
}

using spans = std::vector<std::pair<double, double>>;

spans spans_of(const outcome& o) {
    spans all;
    for (const json& r : o.records()) all.emplace_back(r["start"].get<double>(), r["end"].get<double>());
    return all;
}

std::string message(const json& record) { return record["error"]["message"]; }

}  // namespace

TEST_CASE("a recording has a record for each chunk, with its seconds", "[cli]") {
    const fixture f;
    const std::vector<float> samples = sound(rate, 9000);  // 1.125 s
    const std::string wav = f.write_wav("a.wav", samples);
    const outcome o = f.run({wav});
    INFO(o.err);
    CHECK(o.code == 0);
    CHECK(spans_of(o) == spans{{0, 0.5}, {0.5, 1}, {1, 1.125}});
    for (const json& r : o.records()) {
        CHECK(r["path"] == wav);
        CHECK(r["top"].size() == 2);
        CHECK(r["ms"].get<double>() > 0);
    }
    const outcome text = classify({"--model", f.model, wav});
    CHECK(lines_of(text.out).at(3) == wav + "  0.5-1 s");
    const outcome csv = classify({"--model", f.model, "--format", "csv", "--top-k", "1", wav, f.folder / "gone.wav"});
    REQUIRE(lines_of(csv.out).size() == 5);
    CHECK(lines_of(csv.out)[0] == "path,start,end,ms,error_code,error_message,index1,label1,probability1");
    CHECK(lines_of(csv.out)[3].starts_with(wav + ",1,1.125,"));
    CHECK(lines_of(csv.out)[4].starts_with((f.folder / "gone.wav") + ",,,,io,"));

    // The hop, shorter and longer than a chunk. Chunks after the first that reaches the end would repeat parts of it.
    CHECK(spans_of(f.run({"--hop", "0.25", wav})) == spans{{0, 0.5}, {0.25, 0.75}, {0.5, 1}, {0.75, 1.125}});
    CHECK(spans_of(f.run({"--hop", "1", wav})) == spans{{0, 0.5}, {1, 1.125}});
    CHECK(spans_of(f.run({"--hop", "86400", wav})) == spans{{0, 0.5}});
    CHECK(spans_of(f.run({f.write_wav("whole.wav", part(samples, 0, 8000))})) == spans{{0, 0.5}, {0.5, 1}});
    CHECK(spans_of(f.run({"--hop", "0.125", f.write_wav("half.wav", part(samples, 0, 4000))})) == spans{{0, 0.5}});
}

TEST_CASE("a chunk gives what its samples give: inputs as the library makes them, arrays with a row for each", "[cli]") {
    const fixture f;
    const std::vector<float> samples = sound(rate, 9000);
    const std::string wav = f.write_wav("a.wav", samples);
    const auto inputs = f.rows("--dump-input", {wav}), logits = f.rows("--logits", {"--batch", "2", "--workers", "2", wav}),
               embeddings = f.rows("--embedding", {wav});
    REQUIRE(inputs.size() == 3);
    REQUIRE(logits.size() == 3);
    REQUIRE(embeddings.size() == 3);
    CHECK(embeddings[0].size() == 64);

    cvt::spectrogram rules;
    rules.rate = rate, rules.length = length, rules.n_fft = rules.window = 256, rules.hop = 100, rules.mels = 32, rules.f_max = 4000;
    rules.min_max = true;
    cvt::audio_preprocessor preprocessor{rules};
    std::vector<float> expected(32 * 41);
    for (std::size_t i = 0; i < 3; ++i) {
        const std::vector<float> chunk = part(samples, i * length, length);
        REQUIRE_FALSE(preprocessor.run(std::span<const float>{chunk}, cvt::view<float, 3>{expected.data(), 1, 32, 41}));
        CHECK(inputs[i] == expected);
        CHECK(f.rows("--logits", {f.write_wav("chunk.wav", chunk)}).at(0) == logits[i]);
    }
    // Padding with zeros changes the last chunk only.
    const auto padded = f.rows("--logits", {"--pad", "zero", wav});
    CHECK(padded[1] == logits[1]);
    CHECK(padded[2] != logits[2]);
    CHECK(f.rows("--logits", {"--pad", "repeat", wav}) == logits);
    // Another rate is resampled, and channels are averaged.
    CHECK(f.rows("--logits", {f.write_wav("stereo.wav", samples, rate, 2)}) == logits);
    CHECK(spans_of(f.run({f.write_wav("high.wav", sound(44100, 44100), 44100)})) == spans{{0, 0.5}, {0.5, 1}});
    // A row of NaN for what failed.
    const auto failed = f.rows("--logits", {f.folder / "gone.wav", wav});
    REQUIRE(failed.size() == 4);
    CHECK(std::isnan(failed[0][0]));
    CHECK(failed[1] == logits[0]);
}

TEST_CASE("content decides what a file is, whatever its name", "[cli]") {
    const fixture f;
    const std::string sound_as_photo = f.write_wav("sound.jpg", sound(rate, 4000)), photo = write_jpeg(f.folder / "photo.jpg", 64, 64, 5),
                      photo_as_sound = f.folder / "photo.wav", good = f.write_wav("good.wav", sound(rate, 4000));
    std::filesystem::copy_file(photo, photo_as_sound);
    const outcome sounds = f.run({sound_as_photo, photo_as_sound, photo, good});
    CHECK(sounds.code == 1);
    REQUIRE(sounds.records().size() == 4);
    CHECK(sounds.records()[0].contains("top"));
    for (const std::size_t i : {1U, 2U}) {
        CHECK(sounds.records()[i]["error"]["code"] == "unsupported");
        CHECK(message(sounds.records()[i]) == "expected a recording, found a picture");
        CHECK_FALSE(sounds.records()[i].contains("start"));
    }
    CHECK(sounds.records()[3].contains("top"));

    const outcome pictures = classify({"--format", "jsonl", sound_as_photo, good, photo_as_sound});
    CHECK(pictures.code == 1);
    REQUIRE(pictures.records().size() == 3);
    for (const std::size_t i : {0U, 1U}) CHECK(message(pictures.records()[i]) == "expected a picture, found a recording");
    CHECK(pictures.records()[2].contains("top"));

    // Folders are searched by name.
    const outcome folder = f.run({f.folder.path()});
    REQUIRE(folder.records().size() == 2);
    CHECK(folder.records()[0]["path"] == good);
    CHECK(folder.records()[1]["path"] == photo_as_sound);
    CHECK(folder.err.find("3 other entries skipped (2 .jpg, 1 folder)") != std::string::npos);
    const std::string empty = f.folder / "empty";
    std::filesystem::create_directory(empty);
    CHECK(message(f.run({empty}).records().at(0)) == "expected .wav, .flac, .mp3 or other recordings in this folder, found none");
}

TEST_CASE("bad recordings and bad chunks are errors with a name, and the run goes on", "[cli]") {
    const fixture f;
    const std::vector<float> good = sound(rate, 9000);
    std::vector<float> quiet = good, broken = good;
    std::fill(quiet.begin() + 4000, quiet.begin() + 8000, 0.F);
    broken[5000] = std::numeric_limits<float>::quiet_NaN();
    broken[8100] = std::numeric_limits<float>::infinity();
    std::string no_rate = wav_file(good, 1), truncated = wav_file(good, rate), channels = wav_file(part(good, 0, 100), rate, 33);
    std::fill_n(no_rate.begin() + 24, 4, '\0');
    truncated.resize(truncated.size() - 7);
    const auto write = [&](const char* name, const std::string& bytes) {
        REQUIRE(write_file(f.folder / name, bytes));
        return f.folder / name;
    };
    const auto error = [&](const std::string& path, std::size_t record = 0) {
        const outcome o = f.run({path, f.folder / "last.wav"});
        INFO(path << '\n' << o.err << o.out);
        CHECK(o.code == 1);
        REQUIRE(o.records().size() > record + 1);
        CHECK(o.records().back().contains("top"));
        return o.records()[record]["error"]["code"].get<std::string>() + ": " + message(o.records()[record]);
    };
    static_cast<void>(f.write_wav("last.wav", part(good, 0, 4000)));

    // A chunk: its neighbours have results.
    const std::string with_silence = f.write_wav("quiet.wav", quiet), with_nan = f.write_wav("nan.wav", broken);
    CHECK(error(with_silence, 1) ==
          "bad_sound: sound: every value of the spectrogram is -100, as for silence: it has no range to normalise");
    CHECK(spans_of(f.run({with_silence})) == spans{{0, 0.5}, {0.5, 1}, {1, 1.125}});
    CHECK(f.run({with_silence}).records()[2].contains("top"));
    CHECK(error(with_nan, 1) == "invalid_argument: sound: sample 1000 is NaN or infinite");
    CHECK(error(with_nan, 2) == "invalid_argument: sound: sample 100 is NaN or infinite");

    // A recording.
    CHECK(error(f.write_wav("none.wav", {})) == "bad_sound: sound: expected at least 1 sample, found none");
    CHECK(error(write("rate.wav", no_rate)) == "malformed: sound: expected a sample rate of at least 1, the header says 0");
    CHECK(error(write("channels.wav", channels)) == "bad_sound: sound: 33 channels, more than the limit of 32");
    CHECK(error(write("truncated.wav", truncated)) ==
          "malformed: WAV file is truncated: its header says 36000 bytes of samples, the file has 35993");
    CHECK(error(write("empty.wav", "")) == "malformed: sound file is empty");
    CHECK(error(write("text.wav", "hello")) == "unsupported: not a sound of a known format (WAV, FLAC, Ogg, MP3)");
    CHECK(error(write("hostile.flac", "fLaC" + std::string(200, '\xFF'))).starts_with("malformed: FLAC file is damaged"));
    CHECK(error(f.folder / "gone.wav").starts_with("io: cannot open "));
    CHECK(error(f.write_wav("slow.wav", good, 50)).starts_with("invalid_argument: sample rate: expected 100 to 1000000, found 50"));
    CHECK(error(f.write_wav("fast.wav", good, 1'000'000)).starts_with("bad_sound: sound: 1000000 samples per second"));
    REQUIRE(::mkfifo((f.folder / "pipe.wav").c_str(), 0600) == 0);
    CHECK(error(f.folder / "pipe.wav") == "io: expected a file, found a pipe or device");

    // A FLAC file that ends too early has its chunks up to the damage, and that one's error.
    std::string flac = read_file(CVT_TEST_DATA "/sounds/16.flac");
    flac.resize(flac.size() / 2);
    const outcome half = f.run({"--hop", "0.1", write("half.flac", flac)});
    INFO(half.out);
    CHECK(half.code == 1);
    REQUIRE_FALSE(half.records().empty());
    CHECK(half.records().back()["error"]["code"] == "malformed");
    CHECK(half.records().back().contains("start"));

    // Unusual, and good: one sample repeated is a constant, which Hann windows leave almost without energy.
    CHECK(f.run({f.write_wav("one.wav", {0.5F})}).records().size() == 1);
    CHECK(spans_of(f.run({f.write_wav("384k.wav", sound(384000, 384000), 384000)})) == spans{{0, 0.5}, {0.5, 1}});
    CHECK(f.run({f.write_wav("32.wav", part(good, 0, 4000), rate, 32)}).code == 0);
}

TEST_CASE("--attention draws the spectrogram of each chunk with its axes", "[cli]") {
    const fixture f;
    const std::string wav = f.write_wav("a.wav", sound(rate, 6000)), maps = f.folder / "maps";
    const outcome o = f.run({"--attention", maps, wav});
    REQUIRE(o.records().size() == 2);
    CHECK(o.records()[0]["attention"] == maps + "/a-0s.attention.png");
    CHECK(o.records()[1]["attention"] == maps + "/a-0.5s.attention.png");
    const auto picture = cvt::read_image((maps + "/a-0.5s.attention.png").c_str(), cvt::orientation::ignore);
    REQUIRE(picture);
    CHECK(picture->width > 41 * 8);
    CHECK(picture->height > 32 * 8);
    // A tone of 1 to 3 kHz is below the middle of a spectrogram up to 4 kHz in mel bands: the picture is not upside down.
    const auto brightness = [&](int from, int to) {
        double sum = 0;
        for (int y = from; y < to; ++y)
            for (int x = 80; x < 350; ++x) sum += picture->pixels[static_cast<std::size_t>(3 * (y * picture->width + x) + 1)];
        return sum / (to - from);
    };
    CHECK(brightness(36, 36 + 64) > brightness(36 + 192, 36 + 256));
}

TEST_CASE("a recording in an archive, on standard input and in a shard", "[cli]") {
    const fixture f;
    static_cast<void>(f.write_wav("in/a.wav", sound(rate, 6000)));
    static_cast<void>(f.write_wav("in/b.wav", sound(rate, 3000)));
    REQUIRE(write_file(f.folder / "in/notes.txt", "x"));
    const std::string tar = f.folder / "in.tar", folder = f.folder / "in";
    REQUIRE(std::system(("tar -C '" + folder + "' -cf '" + tar + "' a.wav b.wav notes.txt").c_str()) == 0);
    const outcome archive = f.run({"--tar", tar});
    INFO(archive.err);
    CHECK(archive.code == 0);
    CHECK(spans_of(archive) == spans{{0, 0.5}, {0.5, 0.75}, {0, 0.375}});
    CHECK(archive.records().at(1)["id"] == "a");

    const outcome lines = f.run({"-"}, R"({"path": ")" + folder + R"(/a.wav", "id": 7})" + '\n' + folder + "/b.wav\n");
    CHECK(spans_of(lines) == spans{{0, 0.5}, {0.5, 0.75}, {0, 0.375}});
    CHECK(lines.records().at(1)["id"] == 7);

    std::size_t records = 0;
    for (const char* shard : {"0/2", "1/2"}) {
        std::string last;
        for (const json& r : f.run({"--shard", shard, folder}).records()) {
            ++records;
            if (r["path"] == last) CHECK(r["start"] == 0.5);
            last = r["path"];
        }
    }
    CHECK(records == 3);
}

TEST_CASE("--resume continues within a recording, from any byte", "[cli]") {
    const fixture f;
    const std::string out = f.folder / "out.jsonl";
    std::vector<float> quiet = sound(rate, 9000);
    std::fill(quiet.begin() + 4000, quiet.begin() + 8000, 0.F);
    const std::vector<std::string> inputs{f.write_wav("a.wav", quiet), f.folder / "gone.wav", f.write_wav("b.wav", sound(rate, 6000)),
                                          f.folder / "a.wav"};
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.end(), {"--out", out});
        more.insert(more.end(), inputs.begin(), inputs.end());
        return f.run(more);
    };
    const auto records = [&] {
        json all = json::array();
        for (const std::string& line : lines_of(read_file(out))) {
            all.push_back(parse_json(line));
            all.back().erase("ms");
        }
        return all;
    };
    REQUIRE(run({}).code == 1);
    const std::string whole = read_file(out);
    const json expected = records();
    REQUIRE(expected.size() == 9);
    for (std::size_t cut = 0; cut <= whole.size(); cut += cut % 7 == 0 ? std::size_t{31} : std::size_t{47}) {
        CAPTURE(cut);
        REQUIRE(write_file(out, whole.substr(0, cut)));
        const outcome o = run({"--resume"});
        INFO(o.err);
        CHECK(o.code == 1);
        CHECK(records() == expected);
    }
    REQUIRE(write_file(out, whole));
    CHECK(run({"--resume"}).err == "classify: 9 inputs were done in an earlier run, 3 of them failed\n");
    // Another hop: the chunks that begin elsewhere are new.
    REQUIRE(write_file(out, ""));
    REQUIRE(f.run({"--out", out, "--resume", inputs[2]}).code == 0);
    REQUIRE(f.run({"--out", out, "--resume", "--hop", "0.25", inputs[2]}).code == 0);
    REQUIRE(records().size() == 3);
    CHECK(records()[2]["start"] == 0.25);
}

TEST_CASE("--evaluate counts every chunk of the recordings in class folders", "[cli]") {
    const fixture f;
    const std::vector<float> samples = sound(rate, 9000);
    static_cast<void>(f.write_wav("set/owl/a.wav", samples));
    static_cast<void>(f.write_wav("set/wren/b.wav", samples));
    static_cast<void>(f.write_wav("set/wren/deeper/c.wav", std::vector<float>(5000)));
    static_cast<void>(write_jpeg(f.folder / "set/wren/photo.jpg", 64, 64, 5));
    const outcome o = f.run({"--evaluate", f.folder / "set"});
    INFO(o.err);
    CHECK(o.code == 1);
    const json report = parse_json(o.out);
    CHECK(report["images"] == 6);
    CHECK(report["failed"] == 2);
    CHECK(report["not_run"] == 0);
    CHECK(report["top1"] == 0.5);  // the same recording in both classes
    REQUIRE(report["failures"].size() == 2);
    CHECK(report["failures"][1]["path"] == f.folder / "set/wren/deeper/c.wav");
    CHECK(report["failures"][1]["start"] == 0.5);
    CHECK(o.err.find("1 other entry skipped") != std::string::npos);
    CHECK(classify({"--model", f.model, "--evaluate", f.folder / "set"}).out.starts_with("chunks   6 in 2 classes, 2 failed"));

    REQUIRE(write_file(f.folder / "list.txt", "owl/a.wav owl\nwren/b.wav wren\n"));
    CHECK(parse_json(f.run({"--evaluate", f.folder / "list.txt", f.folder / "set"}).out)["images"] == 6);
}

TEST_CASE("options that do not fit the model are refused", "[cli]") {
    const fixture f;
    const std::string wav = f.write_wav("a.wav", sound(rate, 4000));
    const auto refused = [](const std::vector<std::string>& arguments, const std::string& why) {
        const outcome o = classify(arguments);
        CHECK(o.code == 2);
        CHECK(o.err == "classify: " + why + '\n');
    };
    refused({"--hop", "1", wav}, "--hop is for recordings, and this model takes pictures");
    refused({"--pad", "zero", wav}, "--pad is for recordings, and this model takes pictures");
    refused({"--model", f.model, "--orient", "ignore", wav}, "--orient is for pictures, and this model takes recordings");
    refused({"--model", f.model, "--mean", "0.5", wav}, "--mean is for pictures, and this model takes recordings");
    for (const char* hop : {"0", "-1", "nan", "1s", "1e9", ""}) CHECK(classify({"--model", f.model, "--hop", hop, wav}).code == 2);
    refused({"--model", f.model, "--hop", "0", wav}, "--hop: expected seconds from 0.001 to 86400, found \"0\"");
    // --pad travels with a conversion.
    const std::string converted = f.folder / "converted";
    REQUIRE(classify({"--model", f.model, "--pad", "zero", "--convert", converted}).code == 0);
    CHECK(parse_json(read_file(converted + "/preprocessor_config.json"))["padding"] == "pad");
    CHECK(classify({"--model", converted, "--info"}).out.find("short sounds filled with zeros") != std::string::npos);
}

TEST_CASE("--preprocessor says how the sounds of a checkpoint without a folder become inputs", "[cli]") {
    const fixture f;
    const std::string wav = f.write_wav("a.wav", sound(rate, 6000)), file = f.folder / "lone.safetensors", config = f.folder / "lone.json",
                      rules = f.folder / "rules.json";
    std::filesystem::copy_file(f.model + "/model.safetensors", file);
    std::filesystem::copy_file(f.model + "/config.json", config);
    std::filesystem::copy_file(f.model + "/preprocessor_config.json", rules);
    const std::vector<std::string> lone{"--model", file, "--config", config, "--format", "jsonl"};
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.begin(), lone.begin(), lone.end());
        return classify(more);
    };
    CHECK(run({wav}).err ==
          "classify: the model takes 1 channel, images have 3: pass tensors with --input, or for sounds --preprocessor\n");
    const outcome o = run({"--preprocessor", rules, wav});
    INFO(o.err);
    CHECK(o.code == 0);
    CHECK(spans_of(o) == spans{{0, 0.5}, {0.5, 0.75}});
    const json of_folder = f.run({wav}).records();
    for (std::size_t i = 0; i < 2; ++i) CHECK(o.records().at(i)["top"] == of_folder[i]["top"]);
    const outcome info = classify({"--model", file, "--config", config, "--preprocessor", rules, "--info"});
    CHECK(info.out.find("1 x 32 x 41: --preprocessor\n") != std::string::npos);

    // It replaces the file of a folder, also in a conversion.
    json longer = parse_json(read_file(rules));
    longer["nb_max_samples"] = 6000;
    REQUIRE(write_file(rules, longer.dump()));
    CHECK(spans_of(f.run({"--preprocessor", rules, wav})) == spans{{0, 0.75}});
    REQUIRE(classify({"--model", f.model, "--preprocessor", rules, "--convert", f.folder / "longer"}).code == 0);
    CHECK(parse_json(read_file(f.folder / "longer/preprocessor_config.json"))["nb_max_samples"] == 6000);

    longer["hop_length"] = 0;
    REQUIRE(write_file(rules, longer.dump()));
    const outcome wrong = f.run({"--preprocessor", rules, wav});
    CHECK(wrong.code == 2);
    CHECK(wrong.err == "classify: --preprocessor: " + rules + ": spectrogram.hop: expected 1 to 65536, found 0\n");
    const outcome pictures = classify({"--preprocessor", f.model + "/preprocessor_config.json", wav});
    CHECK(pictures.code == 3);
    CHECK(pictures.err.find("spectrograms have 1 channel, the model takes 3") != std::string::npos);
}

namespace {

/// Pulses of a tone with noise, `count` samples at the model's rate.
std::vector<float> pulses(double hertz, std::size_t count, std::uint32_t seed) {
    std::vector<float> x(count);
    for (std::size_t i = 0; i < count; ++i) {
        seed = 1664525U * seed + 1013904223U;
        const double t = static_cast<double>(i) / rate, noise = seed / 4294967296.0 - 0.5;
        x[i] = static_cast<float>(0.4 * std::sin(2 * 3.14159265 * hertz * t) * (std::fmod(t, 0.1) < 0.05 ? 1 : 0) + 0.01 * noise);
    }
    return x;
}

/// Three recordings of 1.2 s for each of two classes.
std::string write_classes(const fixture& f) {
    for (std::uint32_t i = 1; i <= 3; ++i) {
        static_cast<void>(f.write_wav("classes/low/" + std::to_string(i) + ".wav", pulses(400 + 20 * i, 9600, i)));
        static_cast<void>(f.write_wav("classes/high/" + std::to_string(i) + ".wav", pulses(2800 + 50 * i, 9600, 10 + i)));
    }
    return f.folder / "classes";
}

}  // namespace

TEST_CASE("--learn: recordings in class folders become a model that tells them apart", "[cli]") {
    const fixture f;
    const std::string set = write_classes(f), cache = f.folder / "cache", out = f.folder / "birds";
    std::vector<float> quiet = pulses(410, 9600, 9);
    std::fill(quiet.begin() + 4000, quiet.begin() + 8000, 0.F);
    static_cast<void>(f.write_wav("classes/low/quiet.wav", quiet));
    static_cast<void>(f.write_wav("classes/high/copy.wav", part(pulses(2850, 9600, 11), 0, 8000)));  // two chunks of high/1.wav
    const outcome o = f.run({"--learn", set, "--convert", out, "--cache", cache});
    INFO(o.err);
    if (o.err.find("liblbfgs") != std::string::npos) return;  // built without it
    CHECK(o.code == 1);
    const json report = parse_json(o.out);
    CHECK(report["photos"] == 22);
    CHECK(report["top1"] == 1.0);
    CHECK(report["classes"][0]["photos"] == 11);
    REQUIRE(report["failures"].size() == 1);
    CHECK(report["failures"][0]["start"] == 0.5);
    CHECK(report["failures"][0]["error"]["code"] == "bad_sound");
    REQUIRE(report["duplicates"].size() == 1);  // once for the pair of recordings
    CHECK(report["duplicates"][0]["path"] == set + "/high/copy.wav");
    CHECK(report["duplicates"][0]["of"] == set + "/high/1.wav");

    const std::string low = f.write_wav("new-low.wav", pulses(430, 8000, 77)), high = f.write_wav("new-high.wav", pulses(2900, 8000, 78));
    const outcome told = classify({"--model", out, "--format", "jsonl", low, high});
    REQUIRE(told.records().size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(told.records()[i]["top"][0]["label"] == (i < 2 ? "low" : "high"));

    // Prototypes, and the embeddings of the run before: 22 chunks, of which two are the same as others.
    const outcome again = f.run({"--learn", set, "--convert", f.folder / "again", "--cache", cache, "--method", "prototype"});
    CHECK(parse_json(again.out)["cached"] == 22);
    const outcome text = classify({"--model", f.model, "--learn", set, "--convert", f.folder / "text", "--hop", "1", "--cache", cache});
    CHECK(text.out.starts_with("chunks       "));
    CHECK(text.out.find("/high/copy.wav has a chunk of ") != std::string::npos);

    // The chunks of a recording are held out together: with one recording in each class there is no cross-validation.
    for (const char* name : {"low", "high"}) {
        std::filesystem::create_directories(f.folder / "one" + '/' + name);
        std::filesystem::copy_file(set + '/' + name + "/1.wav", f.folder / "one" + '/' + name + "/1.wav");
    }
    CHECK(parse_json(f.run({"--learn", f.folder / "one", "--convert", f.folder / "lone", "--method", "prototype"}).out)["top1"].is_null());
    // So are those of its copies, whole or in part, and of copies of copies: they share a chunk.
    for (const char* name : {"low", "high"}) {
        const std::string of_class = f.folder / "one" + '/' + name + '/';
        const std::vector<float> once = name == std::string{"low"} ? pulses(420, 9600, 1) : pulses(2850, 9600, 11);
        static_cast<void>(f.write_wav(std::string{"one/"} + name + "/2.wav", part(once, 0, 8000)));
        std::vector<float> other = pulses(1000, 8000, 99);
        std::copy_n(once.begin() + 4000, 4000, other.begin());
        static_cast<void>(f.write_wav(std::string{"one/"} + name + "/3.wav", other));
        std::filesystem::copy_file(of_class + "3.wav", of_class + "4.wav");
    }
    const json copies = parse_json(f.run({"--learn", f.folder / "one", "--convert", f.folder / "copies", "--method", "prototype"}).out);
    CHECK(copies["photos"] == 18);
    CHECK(copies["top1"].is_null());

    for (const auto& [option, value] : {std::pair{"--views", "2"}, {"--sheet", "sheet.png"}})
        CHECK(f.run({"--learn", set, "--convert", f.folder / "no", option, value}).err ==
              std::string{"classify: "} + option + " is for pictures, and this model takes recordings\n");
}

TEST_CASE("--similar lists the chunks that are nearest to any chunk of a recording", "[cli]") {
    const fixture f;
    const std::string set = write_classes(f), query = f.write_wav("query.wav", part(pulses(2850, 9600, 11), 4000, 5600));
    const outcome o = f.run({"--similar", query, "--top-k", "3", set});
    INFO(o.err);
    CHECK(o.code == 0);
    const json found = parse_json(o.out);
    CHECK(found["photos"] == 18);
    REQUIRE(found["similar"].size() == 3);
    // The query is the second and third chunk of this recording.
    CHECK(found["similar"][0]["path"] == set + "/high/1.wav");
    CHECK(found["similar"][1]["path"] == set + "/high/1.wav");
    CHECK(found["similar"][0]["start"].get<double>() + found["similar"][1]["start"].get<double>() == 1.5);
    CHECK(found["similar"][1]["cosine"].get<double>() == Approx(1).epsilon(1e-6));
    CHECK(found["similar"][2]["cosine"].get<double>() < 1);
    CHECK(lines_of(classify({"--model", f.model, "--similar", query, set}).out).at(1).ends_with(" s"));
}
