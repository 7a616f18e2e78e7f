// Each allocation fails, alone or with all later ones: an error is returned, nothing leaks, and existing objects still work.
#include "support/failing_memory.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cvt/convert.hpp>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/extra/thread_pool.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/session_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace cvt_test;

namespace {

namespace fs = std::filesystem;
const std::string data = CVT_TEST_DATA;

long open_files() {
    long count = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) count += ::fcntl(descriptor, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

/// Runs `work` with a failure of its first allocation, then of its second, until none fails. `work` returns an error or checks
/// its result. Returns the number of failures.
template <class Work>
long fail_each(Work work) {
    REQUIRE_FALSE(work());  // the first run makes allocations that live as long as the program
    const long files = open_files();
    long failures = 0;
    for (const bool once : {false, true}) {
        for (long n = 0;; ++n) {
            const long blocks = failing_memory::blocks;
            failing_memory::fail_after(n, once);
            const cvt::error e = work();
            failing_memory::stop();
            const long leaked = failing_memory::blocks - blocks;
            INFO("allocation " << n << (once ? " alone" : " and later ones") << ": " << e.what());
            CHECK(leaked == 0);
            if (!failing_memory::hit) {
                CHECK_FALSE(e);
                break;
            }
            // Without a buffer stdio reads byte by byte, so there may be no error. If fopen has no memory, the code is io.
            if (e) CHECK((e.code() == cvt::errc::out_of_memory || e.code() == cvt::errc::io));
            REQUIRE(n < 2000);
            ++failures;
        }
    }
    CHECK(open_files() == files);
    std::printf("stress: allocation failures injected: %ld\n", failures);
    return failures;
}

cvt::error wrong(const char* what) { return cvt::error::format(cvt::errc::mismatch, "%s", what); }

constexpr cvt::grid first_size{32, 40}, second_size{64, 72};

/// Runs a session's first call, and a second one at another size; the outputs must equal `first` and `second` bit for bit.
struct two_calls {
    std::vector<float> image = formula_image(first_size.height, first_size.width),
                       larger = formula_image(second_size.height, second_size.width);
    std::vector<float> first, second, got;

    explicit two_calls(const cvt::model& m) {
        const auto classes = static_cast<std::size_t>(m.config().num_classes);
        first.resize(classes);
        second.resize(classes);
        got.resize(classes);
        cvt::session s{m};
        REQUIRE_FALSE(call(s, image, first_size, first));
        REQUIRE_FALSE(call(s, larger, second_size, second));
    }
    static cvt::error call(cvt::session& s, const std::vector<float>& from, cvt::grid size, std::vector<float>& to) {
        return s.logits(cvt::view<const float, 3>{from.data(), 3, size.height, size.width}, to);
    }
    cvt::error repeat(cvt::session& s) {
        if (cvt::error e = call(s, image, first_size, got)) return e;
        if (!same_bits(got, first)) return wrong("other bits in the first call");
        if (cvt::error e = call(s, larger, second_size, got)) return e;
        return same_bits(got, second) ? cvt::error{} : wrong("other bits in the second call");
    }
};

/// Fails each allocation of loading this checkpoint and of a session's first two calls.
void fail_loading(const std::string& path, const cvt::load_options& options) {
    const cvt::result<cvt::model> good = cvt::model::load(path.c_str(), options);
    REQUIRE(good);
    two_calls calls{*good};
    const long failures = fail_each([&]() -> cvt::error {
        const cvt::result<cvt::model> m = cvt::model::load(path.c_str(), options);
        if (!m) return m.error();
        cvt::session s{*m};
        return calls.repeat(s);
    });
    CHECK(failures > 20);
    cvt::session s{*good};
    CHECK_FALSE(calls.repeat(s));
}

std::vector<std::byte> bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
}

}  // namespace

TEST_CASE("allocation failures while loading any container and in the first calls of a session") {
    const cvt::config config = cvt::model::load((data + "/torch/tiny-hf").c_str())->config();
    for (const char* name : {"checkpoint/tiny-hf", "checkpoint/tiny-int8", "torch/tiny-hf", "torch/tiny-hf-sharded",
                             "torch/tiny-official.pth", "torch/tiny-official-legacy.pth", "torch/tiny-official-nested.pth",
                             "torch/tiny-official-views.pth", "torch/tiny-official-f16.pth"}) {
        INFO(name);
        const std::string path = data + "/" + name;
        cvt::load_options options;
        if (path.ends_with(".pth")) options.config = config;
        fail_loading(path, options);
    }
}

TEST_CASE("allocation failures while loading a float32 file as int8, and an int8 file as float32") {
    const cvt::config config = cvt::model::load((data + "/torch/tiny-hf").c_str())->config();
    fail_loading(data + "/checkpoint/tiny-hf", {.precision = cvt::precision::int8});
    fail_loading(data + "/torch/tiny-official.pth", {.config = config, .precision = cvt::precision::int8});
    fail_loading(data + "/checkpoint/tiny-int8", {.precision = cvt::precision::f32});
}

TEST_CASE("allocation failures while loading a model from memory") {
    const std::vector<std::byte> weights = bytes_of(data + "/checkpoint/tiny-hf/model.safetensors");
    const std::vector<std::byte> config = bytes_of(data + "/checkpoint/tiny-hf/config.json");
    const cvt::model::memory_folder folder{weights, {reinterpret_cast<const char*>(config.data()), config.size()}, {}};
    const cvt::result<cvt::model> good = cvt::model::from_memory(folder);
    REQUIRE(good);
    two_calls calls{*good};
    fail_each([&]() -> cvt::error {
        const cvt::result<cvt::model> m = cvt::model::from_memory(folder);
        if (!m) return m.error();
        cvt::session s{*m};
        return calls.repeat(s);
    });
}

TEST_CASE("a session works after a failed call, on every kernel set") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        const cvt::model m = make_model(tiny_config(), set->name);
        two_calls calls{m};
        fail_each([&]() -> cvt::error {
            cvt::session s{m};
            const cvt::error e = calls.repeat(s);
            if (!e) return e;
            failing_memory::stop();
            if (cvt::error again = calls.repeat(s)) return wrong("the session did not recover");
            return e;
        });
    }
}

TEST_CASE("allocation failures with images, photos and arrays") {
    const cvt::model m = make_model(tiny_config());
    const cvt::preprocessing small = cvt::preprocessing::for_size(64);
    for (const char* name : {"420.jpg", "progressive.jpg", "rgb8.png", "palette4i.png"}) {
        INFO(name);
        const std::string path = data + "/preprocessing/" + name;
        std::vector<float> expected(10), logits(10);
        fail_each([&]() -> cvt::error {
            const cvt::result<cvt::image> photo = cvt::read_image(path.c_str(), cvt::orientation::exif);
            if (!photo) return photo.error();
            cvt::session s{m, {.preprocessing = small}};
            if (cvt::error e = s.classify(photo->view(), logits)) return e;
            if (expected[0] == 0.F) expected = logits;
            return same_bits(logits, expected) ? cvt::error{} : wrong("other bits");
        });
    }
    const std::string array_path = data + "/torch/tiny-input.npy";
    fail_each([&]() -> cvt::error {
        const auto array = cvt::read_npy(array_path.c_str());
        return array ? cvt::error{} : array.error();
    });
}

TEST_CASE("allocation failures with a thread pool") {
    fail_each([&]() -> cvt::error {
        const auto pool = cvt::thread_pool::create(3);
        return pool ? cvt::error{} : pool.error();
    });
}

TEST_CASE("a failed conversion leaves no files") {
    const temporary_folder folder;
    const std::string from = data + "/torch/tiny-hf", to = folder / "out";
    for (const cvt::weight_type type : {cvt::weight_type::float32, cvt::weight_type::int8})
        fail_each([&]() -> cvt::error {
            const auto done = cvt::convert(from.c_str(), to.c_str(), {.weights = type});
            failing_memory::stop();
            const bool hit = failing_memory::hit;
            const bool there = fs::exists(to);
            fs::remove_all(to);
            failing_memory::hit = hit;
            if (done) return {};
            return there ? wrong("a failed conversion left something") : done.error();
        });
}
