// Compares the peak memory that --info reports with the peak of a run, and the peaks of long inputs with those of short ones: recordings,
// and folders to learn from.
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>

#include "classify.hpp"
#include "pictures.hpp"
#include "sound_model.hpp"
#include "support/checkpoints.hpp"
#include "support/sounds.hpp"

using namespace cvt_test;

namespace {

constexpr double mebibyte = 1 << 20;

/// A size of a running process, in MiB.
double size_of(pid_t id, const std::string& which) {
    for (const std::string& line : lines_of(read_file("/proc/" + std::to_string(id) + "/status")))
        if (line.starts_with(which + ':')) return std::stod(line.substr(which.size() + 1)) * 1024 / mebibyte;
    FAIL("/proc/" << id << "/status: no " << which);
    return 0;
}

double peak_of(pid_t id) { return size_of(id, "VmHWM"); }

/// The number of a row of --info, such as "weights        76.2 MiB".
double stated(const std::string& info, const std::string& row) {
    for (const std::string& line : lines_of(info))
        if (line.starts_with(row + ' ') && line.find(" MiB") != std::string::npos) return std::stod(line.substr(row.size()));
    FAIL("--info has no row \"" << row << "\" in MiB:\n" << info);
    return 0;
}

/// The peak before the program opens the model, while it waits to read its --config from a pipe.
double peak_without_model(const temporary_folder& folder, const std::string& model) {
    const std::string pipe = folder / "config.json";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const running_classify waiting{{"--model", model, "--config", pipe, "--info"}};
    int writer = -1;
    for (int patience = 1000; writer < 0 && patience > 0; --patience) {
        writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);  // fails until there is a reader
        if (writer < 0) ::usleep(10'000);
    }
    REQUIRE(writer >= 0);
    const double peak = peak_of(waiting.id());
    ::close(writer);
    return peak;
}

}  // namespace

TEST_CASE("CvT-13 at 224 needs the memory that --info reports", "[cli]") {
#ifdef __SANITIZE_ADDRESS__
    WARN("not checked: AddressSanitizer's own memory is in the peak");
    return;
#endif
    constexpr double tolerance = 3;  // MiB: pages of the program, small allocations of loading and decoding
    const temporary_folder folder;
    const std::string file = folder / "cvt-13.safetensors", photo = write_png(folder / "photo.png");
    REQUIRE(write_file(file, formula_file(cvt::cvt_13)));
    const std::string info = classify({"--model", file, "--info"}).out;
    const double expected = stated(info, "peak");
    CHECK(stated(info, "weights") == Approx(19'997'480 * 4 / mebibyte).epsilon(0.02));
    CHECK(expected >= stated(info, "weights") + stated(info, "workspace"));

    running_classify run{{"--model", file, "--format", "jsonl", "-"}};
    run.write(photo + '\n');
    REQUIRE(parse_json(run.read_line()).contains("top"));
    const double total = peak_of(run.id()), base = peak_without_model(folder, file), taken = total - base;
    std::printf("classify, CvT-13 at 224: peak %.1f MiB, of which the program %.1f; beside it %.1f, stated %.1f, tolerance %.0f\n", total,
                base, taken, expected, tolerance);
    CHECK(std::abs(taken - expected) <= tolerance);
    run.close_input();
    CHECK(run.wait() == 0);
}

TEST_CASE("the memory of --learn grows with the embeddings only", "[cli]") {
#ifdef __SANITIZE_ADDRESS__
    WARN("not checked: AddressSanitizer keeps freed memory");
    return;
#endif
    constexpr int side = 128, width = 192;
    constexpr double tolerance = 2;  // MiB: less than 6 KB of a photo, which has 48 KB
    const temporary_folder folder;
    const std::string head = "P6 " + std::to_string(side) + ' ' + std::to_string(side) + " 255\n";
    const std::vector<unsigned char> pattern = picture(side, side, 3);
    std::string pixels{pattern.begin(), pattern.end()};
    const auto peak = [&](int photos) {
        const std::string root = folder / std::to_string(photos), model = root + " learned";
        for (int i = 0; i < photos; ++i) {
            const std::string of_class = root + (i % 2 == 0 ? "/even/" : "/odd/");
            std::filesystem::create_directories(of_class);
            std::memcpy(pixels.data(), &i, sizeof i);  // no duplicates
            REQUIRE(write_file(of_class + std::to_string(i) + ".ppm", head + pixels));
        }
        // The peak of a child that has ended includes the time before exec, when it is a copy of this process.
        const double copied = size_of(::getpid(), "VmRSS");
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
            ::dup2(1, 2);
            become_classify({"--size", "32", "--learn", root, "--method", "prototype", "--convert", model});
        }
        int status = 0;
        rusage used{};
        REQUIRE(::wait4(child, &status, 0, &used) == child);
        REQUIRE(status == 0);
        const double mebibytes = static_cast<double>(used.ru_maxrss) * 1024 / mebibyte;
        REQUIRE(mebibytes > copied);
        return mebibytes;
    };
    const double few = peak(20), many = peak(400), embeddings = 380.0 * width * 4 / mebibyte;
    std::printf("classify --learn: peak %.1f MiB for 20 photos, %.1f for 400\n", few, many);
    CHECK(many <= few + embeddings + tolerance);
}

#if defined(CVT_TEST_HAS_SNDFILE)
TEST_CASE("a recording of ten hours takes the memory of one of ten minutes", "[cli]") {
#ifdef __SANITIZE_ADDRESS__
    WARN("not checked: AddressSanitizer keeps freed memory");
    return;
#endif
    // At random addresses the peaks of the same run differ by 0.6 MiB, more than the 5 % below. Where a container refuses this call,
    // the addresses stay random.
    ::personality(ADDR_NO_RANDOMIZE);
    const temporary_folder folder;
    const std::string model = write_sound_model(folder / "model");
    // The first second has a sound; the rest is a hole in the file, silence.
    const auto write_long = [&](const std::string& path, std::uint32_t seconds) {
        std::string wav = wav_file(sound(8000, 8000), 8000);
        const std::uint32_t bytes = seconds * 8000 * 4, riff = bytes + 36;
        std::memcpy(wav.data() + 4, &riff, 4);
        std::memcpy(wav.data() + 40, &bytes, 4);
        REQUIRE(write_file(path, wav));
        std::filesystem::resize_file(path, 44 + std::uintmax_t{bytes});
        return path;
    };
    const auto peak = [&](const std::string& path, const char* hop, int records) {
        running_classify run{{"--model", model, "--format", "jsonl", "--hop", hop, "--batch", "4", "-"}};
        run.write(path + '\n');
        for (int i = 0; i < records; ++i) {
            const json record = parse_json(run.read_line());
            if (i == 0) CHECK(record.contains("top"));
        }
        const double bytes = peak_of(run.id());
        run.close_input();
        CHECK(run.wait() == 1);
        return bytes;
    };
    const double minutes = peak(write_long(folder / "minutes.wav", 600), "1", 600),
                 hours = peak(write_long(folder / "hours.wav", 36000), "60", 600), gaps = peak(folder / "hours.wav", "18000", 2);
    std::printf("classify: peak %.1f MiB for ten minutes, %.1f for ten hours, %.1f with gaps of five hours\n", minutes, hours, gaps);
    CHECK(hours <= 1.05 * minutes);
    CHECK(gaps <= 1.05 * minutes);
}
#endif
