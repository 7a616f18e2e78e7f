// .npy files in and out: shapes, NaN rows for failed inputs, round trips, files that cannot be read or written.
#include <cmath>
#include <cvt/extra/npy.hpp>

#include "classify.hpp"
#include "pictures.hpp"
#include "support/formula.hpp"
#include "support/safetensors_writer.hpp"

using namespace cvt_test;

namespace {

struct array {
    std::vector<std::size_t> shape;
    std::vector<float> values;
};

array load(const std::string& path) {
    const auto file = cvt::read_npy(path.c_str());
    INFO(file.error().what());
    REQUIRE(file);
    return {{file->shape.begin(), file->shape.end()}, {file->values.begin(), file->values.end()}};
}

std::string save(const std::string& path, const std::vector<float>& values, const std::vector<std::size_t>& shape) {
    REQUIRE_FALSE(cvt::write_npy(path.c_str(), values, shape));
    return path;
}

bool all_nan(const float* begin, std::size_t count) {
    return std::all_of(begin, begin + count, [](float v) { return std::isnan(v); });
}

std::string npy_with_header(const std::string& header, std::size_t data_bytes) {
    return std::string{"\x93NUMPY\x01\x00", 8} + static_cast<char>(header.size()) + '\0' + header + std::string(data_bytes, '\0');
}

using shape = std::vector<std::size_t>;

}  // namespace

TEST_CASE("arrays have a row per input, with NaN if it failed", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), b = write_jpeg(folder / "b.jpg", 100, 40, 5);
    for (const char* batch : {"1", "3"}) {
        CAPTURE(batch);
        const outcome o = classify({"--format", "jsonl", "--batch", batch, "--logits", folder / "l.npy", "--embedding", folder / "e.npy",
                                    "--dump-input", folder / "i.npy", a, folder / "missing.png", b});
        CHECK(o.code == 1);
        const array logits = load(folder / "l.npy"), embedding = load(folder / "e.npy"), input = load(folder / "i.npy");
        CHECK(logits.shape == shape{3, class_count});
        CHECK(embedding.shape == shape{3, 192});
        CHECK(input.shape == shape{3, 3, input_side, input_side});
        for (const array& x : {logits, embedding, input}) {
            const std::size_t row = x.values.size() / 3;
            CHECK(
                std::none_of(x.values.begin(), x.values.begin() + static_cast<std::ptrdiff_t>(row), [](float v) { return std::isnan(v); }));
            CHECK(all_nan(x.values.data() + row, row));
            CHECK_FALSE(std::isnan(x.values.back()));
        }
        // The records are the softmax of the logits.
        const auto records = o.records();
        for (const std::size_t i : {0U, 2U}) {
            double sum = 0;
            for (std::size_t k = 0; k < class_count; ++k) sum += std::exp(static_cast<double>(logits.values[class_count * i + k]));
            for (const json& entry : records[i]["top"]) {
                const double logit = logits.values[class_count * i + entry["index"].get<std::size_t>()];
                CHECK(entry["probability"].get<double>() == Approx(std::exp(logit) / sum).epsilon(1e-5));
            }
        }
    }
}

TEST_CASE("one input gives an array of one row", "[cli]") {
    const temporary_folder folder;
    CHECK(classify({"--logits", folder / "l.npy", write_png(folder / "a.png")}).code == 0);
    CHECK(load(folder / "l.npy").shape == shape{1, class_count});
}

TEST_CASE("no input gives an array without rows", "[cli]") {
    const temporary_folder folder;
    CHECK(classify({"--logits", folder / "l.npy", "-"}).code == 0);
    CHECK(load(folder / "l.npy").shape == shape{0, class_count});
}

TEST_CASE("--input reads the file of --dump-input, with the same logits", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), b = write_png(folder / "b.png", 200, 31, 9);
    REQUIRE(classify({"--dump-input", folder / "i.npy", "--logits", folder / "l.npy", a, b}).code == 0);
    const outcome o = classify({"--format", "jsonl", "--batch", "2", "--input", folder / "i.npy", "--logits", folder / "again.npy"});
    CHECK(o.code == 0);
    const array first = load(folder / "l.npy"), again = load(folder / "again.npy");
    CHECK(first.shape == again.shape);
    CHECK(first.values == again.values);
    REQUIRE(o.records().size() == 2);
    CHECK(o.records()[1]["path"] == folder / "i.npy[1]");
}

TEST_CASE("--input takes any size that the model supports", "[cli]") {
    const temporary_folder folder;
    const std::string x = save(folder / "x.npy", formula_image(33, 47), {1, 3, 33, 47});
    CHECK(classify({"--input", x, "--logits", folder / "l.npy"}).code == 0);
    CHECK(load(folder / "l.npy").shape == shape{1, class_count});
}

TEST_CASE("a tensor with NaN is a failed input", "[cli]") {
    const temporary_folder folder;
    std::vector<float> values = formula_image(64, 64 * 2);
    values[0] = std::numeric_limits<float>::quiet_NaN();
    const std::string x = save(folder / "x.npy", values, {2, 3, 64, 64});
    const outcome o = classify({"--format", "jsonl", "--batch", "2", "--input", x, "--logits", folder / "l.npy"});
    CHECK(o.code == 1);
    REQUIRE(o.records().size() == 2);
    CHECK(o.records()[0]["error"]["message"].get<std::string>().find("NaN") != std::string::npos);
    CHECK(o.records()[1].contains("top"));
    CHECK(all_nan(load(folder / "l.npy").values.data(), class_count));
}

TEST_CASE("tensors that do not fit the model are wrong usage", "[cli]") {
    const temporary_folder folder;
    const auto refused = [&](const std::string& file, const std::string& sentence, const std::string& model = CVT_WEIGHTS) {
        const outcome o = classify({"--model", model, "--input", file});
        INFO(o.err);
        CHECK(o.code == 2);
        CHECK(o.out.empty());
        CHECK(o.err.find(sentence) != std::string::npos);
    };
    const std::vector<float> values(3 * 64 * 64, 0.5F);
    refused(save(folder / "rank.npy", values, {3 * 64, 64}),
            "expected the shape (N, 3, height, width) or (3, height, width) for this model, found (192, 64)");
    refused(save(folder / "first.npy", values, {1, 192, 64}), "found (1, 192, 64)");
    refused(save(folder / "channels.npy", values, {3, 1, 64, 64}), "found (3, 1, 64, 64)");
    refused(save(folder / "none.npy", {}, {0, 3, 64, 64}), "found (0, 3, 64, 64)");
    refused(save(folder / "small.npy", values, {1024, 3, 2, 2}), "too small", CVT_TEST_DATA "/checkpoint/tiny-hf");
    refused(folder / "missing.npy", "expected a file, found no ");
    refused(folder.path(), "expected a file, found the folder ");
    const std::string f4 = "'descr': '<f4', 'fortran_order': ", dims = ", 'shape': (1, 3, 64, 64), }\n";
    const std::size_t bytes = values.size() * 4;
    REQUIRE(write_file(folder / "i8.npy", npy_with_header("{'descr': '<i8', 'fortran_order': False" + dims, 2 * bytes)));
    refused(folder / "i8.npy", "float32");
    REQUIRE(write_file(folder / "cut.npy", npy_with_header("{" + f4 + "False" + dims, bytes - 4)));
    refused(folder / "cut.npy", "expected 49152 bytes");
}

TEST_CASE("--input takes one tensor, float64, float16 and Fortran order, with the same logits", "[cli]") {
    const temporary_folder folder;
    constexpr std::size_t side = 32, count = 3 * side * side;
    std::vector<float> values(count), fortran(count);
    std::vector<std::uint16_t> half(count);
    for (std::size_t i = 0; i < count; ++i) {  // 0, 1, 2 or 3, which are exact in every type
        constexpr std::uint16_t bits[]{0x0000, 0x3C00, 0x4000, 0x4200};
        values[i] = static_cast<float>(i * i % 7 % 4);
        half[i] = bits[i * i % 7 % 4];
    }
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t y = 0; y < side; ++y)
            for (std::size_t x = 0; x < side; ++x) fortran[(x * side + y) * 3 + c] = values[(c * side + y) * side + x];
    const std::vector<double> wide(values.begin(), values.end());
    const auto stored = [&](const char* descr, const char* order, const char* dims, const void* data, std::size_t bytes) {
        const std::string header = std::string{"{'descr': '"} + descr + "', 'fortran_order': " + order + ", 'shape': " + dims + ", }\n";
        REQUIRE(write_file(folder / "x.npy", npy_with_header(header, 0) + std::string(static_cast<const char*>(data), bytes)));
        const outcome o = classify({"--input", folder / "x.npy", "--logits", folder / "l.npy"});
        INFO(o.err);
        REQUIRE(o.code == 0);
        return read_file(folder / "l.npy");
    };
    const std::string expected = stored("<f4", "False", "(1, 3, 32, 32)", values.data(), 4 * count);
    CHECK(stored("<f4", "False", "(3, 32, 32)", values.data(), 4 * count) == expected);
    CHECK(stored("<f4", "True", "(3, 32, 32)", fortran.data(), 4 * count) == expected);
    CHECK(stored("<f4", "True", "(1, 3, 32, 32)", fortran.data(), 4 * count) == expected);
    CHECK(stored("<f8", "False", "(3, 32, 32)", wide.data(), 8 * count) == expected);
    CHECK(stored("<f2", "False", "(3, 32, 32)", half.data(), 2 * count) == expected);
}

TEST_CASE("an output that cannot be written is an error before the run", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    for (const std::string& target : {folder / "missing/l.npy", folder.path(), std::string{"/dev/full"}, std::string{"/proc/self/fd/1"}}) {
        CAPTURE(target);
        if (target.starts_with("/") && target.find("/missing/") == std::string::npos && !std::filesystem::exists(target)) continue;
        const outcome o = classify({"--format", "jsonl", "--logits", target, photo});
        CHECK(o.code == 2);
        CHECK(o.out.empty());
        CHECK(o.err.find(target + " cannot be written: ") != std::string::npos);
    }
}

TEST_CASE("outputs never overwrite inputs", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), before = read_file(photo);
    std::filesystem::create_symlink(photo, folder / "link.npy");
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"--logits", photo, photo},
                                               {"--logits", folder / "link.npy", photo},
                                               {"--dump-input", folder / "x.npy", "--logits", folder / "./x.npy", photo}}) {
        const outcome o = classify(arguments);
        CHECK(o.code == 2);
        CHECK(o.err.find("are the same file") != std::string::npos);
    }
    // a photo in a directory, or one named on standard input, is recognised by its content
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"--logits", photo, folder.path()}, {"--embedding", photo, "-"}}) {
        const outcome o = classify(arguments);
        CHECK(o.code == 2);
        CHECK(o.err.find("exists and is not a .npy file") != std::string::npos);
    }
    CHECK(read_file(photo) == before);
    REQUIRE(classify({"--logits", folder / "again.npy", photo}).code == 0);
    CHECK(classify({"--logits", folder / "again.npy", photo}).code == 0);  // an array is replaced
}

TEST_CASE("arrays do not change if one of them cannot be written, or another process is writing to it", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), target = folder / "l.npy", other = folder / "e.npy";
    REQUIRE(classify({"--size", "32", "--embedding", other, photo}).code == 0);
    running_classify first{{"--size", "32", "--format", "jsonl", "--logits", target, "--dump-input", "/dev/null", "-"}};
    first.write(photo + '\n');
    CHECK_FALSE(first.read_line().empty());
    const outcome second = classify({"--size", "32", "--logits", target, "--embedding", other, photo});
    CHECK(second.code == 2);
    CHECK(second.out.empty());
    CHECK(second.err.find("another process is writing to " + target) != std::string::npos);
    CHECK(load(other).shape[0] == 1);
    CHECK(classify({"--size", "32", "--embedding", other, "--logits", "/dev/full", photo}).code == 2);
    CHECK(load(other).shape[0] == 1);
    CHECK(classify({"--size", "32", "--logits", "/dev/null", photo}).code == 0);  // may have several writers
    first.write(photo + '\n');
    first.close_input();
    CHECK(first.wait() == 0);
    CHECK(load(target).shape[0] == 2);
    CHECK(classify({"--size", "32", "--logits", target, photo}).code == 0);
    CHECK(load(target).shape[0] == 1);
}
