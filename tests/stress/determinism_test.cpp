// The same bits from run to run, for any number of workers and any batch size, on each kernel set.
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>

#include "support/executors.hpp"
#include "support/session_fixture.hpp"

using namespace cvt_test;

namespace {

constexpr cvt::grid sizes[]{{17, 23}, {31, 64}, {33, 47}, {65, 49}};

void append(std::vector<float>& to, const std::vector<float>& from) { to.insert(to.end(), from.begin(), from.end()); }

everything run_batch(cvt::session& s, const std::vector<float>& images, std::ptrdiff_t n, cvt::grid size) {
    everything out{s.model().config(), size, n};
    REQUIRE_FALSE(s.run(batch(images, n, 3, size), out.spans()));
    return out;
}

/// Returns the name of the set and the FNV-1a hash of the logits of all sizes.
std::string fingerprint(const char* set) {
    std::uint64_t hash = 14695981039346656037ULL;
    cvt::session s{make_model(tiny_config(), set)};
    for (const cvt::grid size : sizes)
        for (const float v : run_everything(s, size).logits) hash = (hash ^ std::bit_cast<std::uint32_t>(v)) * 1099511628211ULL;
    return std::string{set} + " " + std::to_string(hash);
}

}  // namespace

TEST_CASE("batches of 1 to 9 on 1 to 7 workers have the same bits as single images on one worker") {
    constexpr std::uint64_t max_batch = 9;
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model m = make_model(tiny_config(), set->name);
        for (const cvt::grid size : sizes) {
            cvt::session alone{m};
            std::vector<float> images;
            std::vector<everything> single;
            for (std::uint64_t i = 0; i < max_batch; ++i) {
                append(images, formula_image(size.height, size.width, 3, i));
                single.push_back(run_everything(alone, size, i));
            }
            everything joined{m.config(), size, 0};
            for (std::ptrdiff_t n = 1; n <= static_cast<std::ptrdiff_t>(max_batch); ++n) {
                const everything& last = single[static_cast<std::size_t>(n) - 1];
                append(joined.logits, last.logits);
                append(joined.embedding, last.embedding);
                append(joined.cls_attention, last.cls_attention);
                for (std::size_t i = 0; i < joined.stages.size(); ++i) append(joined.stages[i], last.stages[i]);
                for (int workers = 1; workers <= 7; ++workers) {
                    if (n != 3 && workers != 1 + (n * 5) % 7) continue;  // every value of both, but not every pair
                    INFO(set->name << ", " << size.height << " x " << size.width << ", batch " << n << ", " << workers << " workers");
                    cvt::session backwards{m, {.executor = reversed(workers)}};
                    CHECK(same_bits(run_batch(backwards, images, n, size), joined));
                    if (workers % 3 != 0) continue;
                    cvt::session threads{m, {.executor = threaded(workers)}};
                    CHECK(same_bits(run_batch(threads, images, n, size), joined));
                }
            }
        }
    }
}

TEST_CASE("the address of the input does not matter") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        cvt::session s{make_model(tiny_config(), set->name)};
        const cvt::grid size = sizes[2];
        const everything expected = run_everything(s, size);
        const std::vector<float> image = formula_image(size.height, size.width);
        for (std::size_t shift = 0; shift < 16; ++shift) {
            std::vector<float> moved(image.size() + shift);
            std::copy(image.begin(), image.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
            everything out{s.model().config(), size};
            REQUIRE_FALSE(s.run(cvt::view<const float, 4>{moved.data() + shift, 1, 3, size.height, size.width}, out.spans()));
            CHECK(same_bits(out, expected));
        }
    }
}

TEST_CASE("prints fingerprints", "[.fingerprint]") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) std::printf("%s\n", fingerprint(set->name).c_str());
}

TEST_CASE("another process gives the same bits") {
    std::string expected;
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) expected += fingerprint(set->name) + "\n";
    const std::string command = CVT_TEST_EMULATOR " '" CVT_TEST_SELF "' '[.fingerprint]'";
    for (int run = 0; run < 2; ++run) {
        std::FILE* pipe = ::popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::string printed;
        for (int c = 0; (c = std::fgetc(pipe)) != EOF;) printed += static_cast<char>(c);
        REQUIRE(::pclose(pipe) == 0);
        CHECK(printed.find(expected) != std::string::npos);
    }
}
