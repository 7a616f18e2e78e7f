// Paths that are not regular files, and files that change during reading: errors or whole tensors, never a fault.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cvt/model.hpp>
#include <cvt/network/tensor_list.hpp>
#include <cvt/session.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/checkpoints.hpp"
#include "support/session_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace cvt_test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;
const std::string data = CVT_TEST_DATA;

struct container {
    const char* file;
    bool needs_config;
};
constexpr container containers[]{{"checkpoint/tiny-hf/model.safetensors", true},
                                 {"torch/tiny-hf/pytorch_model.bin", true},
                                 {"torch/tiny-official-legacy.pth", true},
                                 {"torch/tiny-official-views.pth", true},
                                 {"torch/tiny-official-f16.pth", true}};

cvt::load_options options_for(const container& c) {
    const char* folder = std::string_view{c.file}.starts_with("checkpoint") ? "/checkpoint/tiny-hf" : "/torch/tiny-hf";
    cvt::load_options options;
    if (c.needs_config) options.config = cvt::model::load((data + folder).c_str())->config();
    return options;
}

}  // namespace

TEST_CASE("a file that shrinks between opening and reading") {
    for (const container& c : containers) {
        const cvt::load_options options = options_for(c);
        const std::uintmax_t whole = fs::file_size(data + "/" + c.file);
        int refused = 0;
        for (int part = 0; part <= 20; ++part) {
            const temporary_folder folder;
            const std::string path = folder / "weights";
            fs::copy_file(data + "/" + c.file, path);
            const auto original = cvt::checkpoint::open((data + "/" + c.file).c_str(), options);
            const auto file = cvt::checkpoint::open(path.c_str(), options);
            REQUIRE(file);
            fs::resize_file(path, whole * static_cast<std::uintmax_t>(part) / 20);
            INFO(c.file << ", " << part << " twentieths");
            cvt::network::for_each_tensor(file->config, [&](const cvt::network::tensor_info& t) {
                const char* const name = t.name;
                const std::span<const std::int64_t> shape = t.extents();
                std::size_t count = 1;
                for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
                std::vector<float> values(count);
                const cvt::error e = file->read(name, shape, values.data());
                if (!e) {
                    CHECK(same_bits(values, read_tensor(*original, name, shape)));
                    return;
                }
                CHECK(e.code() == cvt::errc::io);
                CHECK_THAT(e.what(), Contains("the file shrank while it was being read"));
                ++refused;
            });
            if (part == 20) CHECK(tensors_that_differ(*original, *file) == 0);
        }
        CHECK(refused > 20);
    }
}

TEST_CASE("a file that shrinks and grows while models are loaded from it") {
    const temporary_folder folder;
    const std::string path = folder / "weights";
    const container& c = containers[0];
    fs::copy_file(data + "/" + c.file, path);
    const std::uintmax_t whole = fs::file_size(path);
    const cvt::load_options options = options_for(c);
    std::atomic<bool> stop{false};
    std::thread other{[&] {
        for (unsigned i = 1; !stop; i = i * 1664525U + 1013904223U) {
            fs::resize_file(path, i % 3 == 0 ? whole : whole * (i >> 16) % whole);
            fs::resize_file(path, whole);
        }
    }};
    for (int round = 0; round < 300; ++round) {
        const cvt::result<cvt::model> m = cvt::model::load(path.c_str(), options);
        if (!m) CHECK(m.error().what()[0] != '\0');
    }
    stop = true;
    other.join();
}

TEST_CASE("paths that are not regular files") {
    const temporary_folder folder;
    const std::string fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const int writer = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(writer >= 0);
    REQUIRE(::write(writer, "0123456789abcdef", 16) == 16);
    CHECK_THAT(cvt::model::load(fifo.c_str()).error().what(), Contains("not a regular file"));
    ::close(writer);
    for (const char* path : {"/dev/zero", "/proc/self/status"})
        if (std::filesystem::exists(path))  // only Linux has the second
            CHECK_THAT(cvt::model::load(path).error().what(), Contains("not a regular file"));
    CHECK_THAT(cvt::model::load("/dev/null").error().what(), Contains("the file is empty"));
    CHECK(cvt::model::load("/proc/self/mem").error().code() == cvt::errc::io);
    CHECK(cvt::model::load(std::string(5000, 'x').c_str()).error().code() == cvt::errc::io);
}
