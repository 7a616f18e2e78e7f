// Checks that each mutant of the fixtures is read correctly or refused with a message: mutation_sweep [MUTANTS [FIXTURE]].
// Prints a table. Exit status 1 if a mutant crashed, hung, or was accepted with values that differ from its bytes.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>

#include <cvt/checkpoint/formats/safetensors.hpp>
#include <cvt/checkpoint/hf_config.hpp>
#include <cvt/checkpoint/hf_preprocessor.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/npy.hpp>
#include <support/safetensors_writer.hpp>
#include <support/scratch_file.hpp>
#include <support/torch_reader.hpp>

#include "mutants.hpp"
#include "oracle_safetensors.hpp"
#include "oracle_torch.hpp"

namespace {

using namespace cvt_test;

/// The result for one mutant: refused with this error, or accepted, with the difference from the reference ("": none).
struct verdict {
    cvt::error refusal;
    std::string wrong;
};

/// Checks that a table has exactly the tensors that the oracle reads from the same bytes, except those that it notes as unread: a
/// model that needs one of them is refused with its reason.
std::string compare(const cvt::checkpoint::tensor_table& file, const oracle_table& expected) {
    std::size_t unread = 0;
    for (const auto& [name, tensor] : expected)
        if (const char* const why = file.why_unread(name)) {
            if (std::string_view{why} != "its strides make elements overlap") return name + ": not read: " + why;
            ++unread;
        }
    if (file.size() + unread != expected.size()) return "the number of tensors differs from the file";
    for (std::size_t i = 0; i < file.size(); ++i) {
        const cvt::checkpoint::tensor_entry& entry = file.entry(i);
        const auto found = expected.find(std::string{file.name(i)});
        if (found == expected.end()) return "a name that is not in the file";
        const oracle_tensor& t = found->second;
        if (!std::equal(entry.extents().begin(), entry.extents().end(), t.shape.begin(), t.shape.end()))
            return found->first + ": the shape differs";
        std::vector<float> values(t.values.size());
        if (static_cast<std::size_t>(entry.elements()) != values.size()) return found->first + ": the number of elements differs";
        if (file.read(i, values.data())) return found->first + ": cannot be read";
        if (!cvt::checkpoint::is_floating(entry.type)) continue;  // integers are not weights
        for (std::size_t n = 0; n < values.size(); ++n) {
            const bool nan = t.values[n] != t.values[n];
            if (nan ? values[n] == values[n] : std::memcmp(&values[n], &t.values[n], sizeof(float)) != 0)
                return found->first + ": the values differ";
        }
    }
    return {};
}

using tensor_reader = cvt::error (*)(cvt::checkpoint::byte_source&&, cvt::checkpoint::tensor_table&) noexcept;

verdict check_tensors(const std::string& bytes, tensor_reader read, oracle_table (*oracle)(std::string_view)) {
    cvt::checkpoint::tensor_table file;
    if (const cvt::error e = read(cvt::checkpoint::byte_source::from_memory(as_bytes(bytes)), file)) return {e, {}};
    try {
        return {{}, compare(file, oracle(bytes))};
    } catch (const std::exception& e) {
        return {{}, std::string{"the reference reader refuses the file: "} + e.what()};
    }
}

/// Checks that a configuration has the numbers of its text.
verdict check_config(const std::string& bytes) {
    const auto config = cvt::checkpoint::read_hf_config(bytes);
    if (!config) return {config.error(), {}};
    try {
        const nlohmann::json text = parse_strictly(bytes);
        const auto same = [&](const char* key, auto member) {
            for (std::size_t i = 0; text.contains(key) && text[key].is_array() && i < config->config.stages().size(); ++i)
                if (text[key].at(i) != config->config.stage[i].*member) return false;
            return true;
        };
        if (!same("embed_dim", &cvt::stage_config::embed_dim)) return {{}, "another embed_dim"};
        if (!same("num_heads", &cvt::stage_config::num_heads)) return {{}, "other num_heads"};
        if (!same("depth", &cvt::stage_config::depth)) return {{}, "another depth"};
        if (!same("patch_stride", &cvt::stage_config::patch_stride)) return {{}, "another patch_stride"};
        return {};
    } catch (const std::exception& e) {
        return {{}, std::string{"no JSON: "} + e.what()};
    }
}

verdict check_preprocessor(const std::string& bytes) {
    const auto p = cvt::checkpoint::read_hf_preprocessor(bytes);
    if (!p) return {p.error(), {}};
    try {
        const nlohmann::json text = parse_strictly(bytes);
        if (text.contains("image_mean") && text["image_mean"].is_array() && p->normalize)
            for (std::size_t i = 0; i < text["image_mean"].size() && i < 4; ++i)
                if (text["image_mean"][i].get<float>() != p->mean[i]) return {{}, "another mean"};
        return {};
    } catch (const std::exception& e) {
        return {{}, std::string{"no JSON: "} + e.what()};
    }
}

/// Checks that the values of an array are the last bytes of its file.
verdict check_npy(const std::string& bytes) {
    static const cvt_test::scratch_file file;
    if (!file.write(bytes.data(), bytes.size())) return {{}, "no file to read from"};
    const auto array = cvt::read_npy(file.path().c_str());
    if (!array) return {array.error(), {}};
    const std::size_t size = array->values.size() * sizeof(float);
    const bool same =
        size <= bytes.size() && (size == 0 || std::memcmp(array->values.data(), bytes.data() + bytes.size() - size, size) == 0);
    return {{}, same ? "" : "other values"};
}

/// Checks that an accepted PNG has the pixels of the fixture: its checksums cover everything that determines them.
verdict check_png(const std::string& bytes, const cvt::image& expected) {
    const auto image = cvt::decode(as_bytes(bytes), cvt::orientation::ignore);
    if (!image) return {image.error(), {}};
    const bool same = image->width == expected.width && image->height == expected.height &&
                      std::equal(image->pixels.begin(), image->pixels.end(), expected.pixels.begin(), expected.pixels.end());
    return {{}, same ? "" : "other pixels"};
}

/// Checks the size of a JPEG against its header; a JPEG has no checksum for its coefficients.
verdict check_jpeg(const std::string& bytes) {
    const auto image = cvt::decode(as_bytes(bytes), cvt::orientation::ignore);
    if (!image) return {image.error(), {}};
    const auto pixels = static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height);
    return {{}, image->pixels.size() == 3 * pixels ? "" : "another size"};
}

struct fixture {
    const char* name;
    mutants of;
    std::function<verdict(const std::string&)> check;
};

std::string content(const std::string& path) {
    std::ifstream file{std::string{CVT_TEST_DATA} + '/' + path, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    if (bytes.empty()) std::fprintf(stderr, "%s is missing\n", path.c_str()), std::exit(2);
    return bytes;
}

/// A file with every type, an empty tensor and one of rank 0.
std::string every_type() {
    safetensors_writer w;
    const std::string data = "\1\2\3\4\5\6\7\x38\x11\x22\x33\x44\x55\x66\x77\x40\1\2\3\4\5\6\7\x38\x11\x22\x33\x44\x55\x66\x77\x40";
    const std::vector<std::int64_t> shape{2, 2}, empty{0, 3}, scalar{};
    for (const char* type : {"F32", "F16", "BF16", "F64", "I64", "U8"})
        w.add(std::string{"weight."} + type, type, shape, data.substr(0, static_cast<std::size_t>(4 * width_of(type))));
    w.add("nothing", "F32", empty, "");
    w.add("one", "F32", scalar, data.substr(0, 4));
    return w.bytes();
}

std::vector<fixture> fixtures() {
    const auto safetensors = [](const std::string& m) {
        const auto read = [](cvt::checkpoint::byte_source&& file, cvt::checkpoint::tensor_table& out) noexcept {
            return cvt::checkpoint::read_safetensors(std::move(file), out);
        };
        return check_tensors(m, read, read_safetensors_oracle);
    };
    const auto torch = [](const std::string& m) { return check_tensors(m, read_torch, read_torch_oracle); };
    static const auto png = cvt::decode(as_bytes(content("preprocessing/rgb8.png")), cvt::orientation::ignore);
    const auto same_png = [](const std::string& m) { return check_png(m, *png); };
    return {
        {"safetensors", {content("checkpoint/tiny-hf/model.safetensors"), layout::safetensors}, safetensors},
        {"safetensors of every type", {every_type(), layout::safetensors}, safetensors},
        {"torch zip", {content("torch/tiny-hf/pytorch_model.bin"), layout::binary}, torch},
        {"torch zip of every type", {content("torch/mixed.pth"), layout::binary}, torch},
        {"torch zip, protocol 4", {content("torch/mixed-protocol4.pth"), layout::binary}, torch},
        {"torch zip, repacked", {content("torch/mixed-repacked.pth"), layout::binary}, torch},
        {"legacy torch", {content("torch/mixed-legacy.pth"), layout::binary}, torch},
        {"torch zip with objects", {content("field/loads-beside-protocol2.pth"), layout::binary}, torch},
        {"torch zip with objects, protocol 4", {content("field/loads-beside-protocol4.pth"), layout::binary}, torch},
        {"legacy torch with objects", {content("field/loads-beside-legacy.pth"), layout::binary}, torch},
        {"torch module saved whole", {content("field/loads-module.pth"), layout::binary}, torch},
        {"config.json", {content("checkpoint/tiny-hf/config.json"), layout::text}, check_config},
        {"preprocessor_config.json",
         {R"({"size": {"shortest_edge": 32}, "crop_pct": 0.875, "resample": 3, "image_mean": [0.5, 0.25, 0.125], "image_std": [0.5, 0.5, 0.5],
                 "do_resize": true, "crop_size": {"height": 32, "width": 32}, "do_center_crop": true})",
          layout::text},
         check_preprocessor},
        {".npy", {content("torch/tiny-logits-erf.npy"), layout::binary}, check_npy},
        {"PNG", {content("preprocessing/rgb8.png"), layout::binary}, same_png},
        {"JPEG", {content("preprocessing/420.jpg"), layout::binary}, check_jpeg},
        {"progressive JPEG", {content("preprocessing/progressive.jpg"), layout::binary}, check_jpeg}};
}

/// Counts in memory that the child process shares with its parent.
struct tally {
    std::uint64_t next = 0, refused = 0, accepted = 0, wrong = 0, unexplained = 0;
};

bool explained(const cvt::error& e) {
    const std::string_view text = e.what();
    bool good = text.size() > 8 && e.code() != cvt::errc::out_of_memory && e.code() != cvt::errc::invalid_argument;
    for (const char c : text) good = good && static_cast<unsigned char>(c) >= ' ' && c != 0x7F;
    return good;
}

void sweep(const fixture& f, std::uint64_t count, tally& t) {
    while (t.next < count) {
        const std::uint64_t n = t.next;
        ::alarm(10);
        const verdict v = f.check(f.of(n));
        if (v.refusal)
            ++t.refused;
        else
            ++t.accepted;
        if (v.refusal && !explained(v.refusal)) {
            ++t.unexplained;
            std::fprintf(stderr, "%s, mutant %llu: %s\n", f.name, static_cast<unsigned long long>(n), v.refusal.what());
        }
        if (!v.wrong.empty()) {
            ++t.wrong;
            std::fprintf(stderr, "%s, mutant %llu: accepted, but %s\n", f.name, static_cast<unsigned long long>(n), v.wrong.c_str());
        }
        ++t.next;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto all = fixtures();
    const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
    const std::string only = argc > 2 ? argv[2] : "";
    auto* const shared = static_cast<tally*>(::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (wanted == 0 || shared == MAP_FAILED) return std::fprintf(stderr, "usage: mutation_sweep [MUTANTS [FIXTURE]]\n"), 2;

    std::printf(
        "| fixture | mutants | refused | without a message | accepted | accepted, wrong | crashed |\n|---|---|---|---|---|---|---|\n");
    tally sum;
    std::uint64_t all_crashed = 0;
    for (const fixture& f : all) {
        if (!only.empty() && only != f.name) continue;
        *shared = {};
        std::uint64_t crashed = 0;
        const std::uint64_t count = only.empty() ? (wanted + all.size() - 1) / all.size() : wanted;
        while (shared->next < count) {
            std::fflush(nullptr);
            const ::pid_t child = ::fork();
            if (child == 0) {
                sweep(f, count, *shared);
                std::_Exit(0);
            }
            int status = 0;
            if (child < 0 || ::waitpid(child, &status, 0) != child) return std::perror("fork"), 2;
            if (shared->next == count) break;
            ++crashed;
            std::fprintf(stderr, "%s, mutant %llu: crashed or took more than 10 seconds\n", f.name,
                         static_cast<unsigned long long>(shared->next));
            ++shared->next;
        }
        const auto row = [](const char* name, const tally& t, std::uint64_t crashes) {
            const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
            std::printf("| %s | %llu | %llu | %llu | %llu | %llu | %llu |\n", name, n(t.next), n(t.refused), n(t.unexplained),
                        n(t.accepted), n(t.wrong), n(crashes));
        };
        row(f.name, *shared, crashed);
        sum.next += shared->next;
        sum.refused += shared->refused;
        sum.unexplained += shared->unexplained;
        sum.accepted += shared->accepted;
        sum.wrong += shared->wrong;
        all_crashed += crashed;
        if (&f == &all.back()) row("all", sum, all_crashed);
    }
    return sum.wrong + sum.unexplained + all_crashed == 0 ? 0 : 1;
}
