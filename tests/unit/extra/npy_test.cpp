// extra/npy.hpp: round trips, the header forms of NumPy, and wrong headers.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <cvt/extra/npy.hpp>

namespace {

/// A temporary file; the destructor removes it.
struct temporary_file {
    std::string path;
    temporary_file() {
        static int next = 0;
        path = (std::filesystem::temp_directory_path() / ("cvt_npy_test_" + std::to_string(::getpid()) + "_" + std::to_string(next++)))
                   .string();
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { std::filesystem::remove(path); }
    void write(const std::string& bytes) const { std::ofstream{path, std::ios::binary} << bytes; }
    [[nodiscard]] std::string read() const {
        std::ifstream in{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
};

std::string npy(const std::string& header, std::size_t data_bytes, int version = 1) {
    std::string bytes = "\x93NUMPY";
    bytes += static_cast<char>(version);
    bytes += '\0';
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
    return bytes + header + std::string(data_bytes, '\0');
}

std::string dict(const std::string& shape, const std::string& descr = "'<f4'", const std::string& order = "False") {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

template <class T = float>
cvt::error error_of(const std::string& bytes) {
    const temporary_file file;
    file.write(bytes);
    return cvt::read_npy<T>(file.path.c_str()).error();
}

bool contains(const cvt::error& e, const std::string& text) { return std::string{e.what()}.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("an array is read back as written", "[npy]") {
    const temporary_file file;
    std::vector<float> values(2 * 3 * 5);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 7.F - 1.F;
    const std::size_t shape[]{2, 3, 5};
    REQUIRE_FALSE(cvt::write_npy(file.path.c_str(), values, shape));
    const auto array = cvt::read_npy(file.path.c_str());
    INFO(array.error().what());
    REQUIRE(array);
    CHECK(std::vector<std::size_t>(array->shape.begin(), array->shape.end()) == std::vector<std::size_t>{2, 3, 5});
    CHECK(std::vector<float>(array->values.begin(), array->values.end()) == values);
    const std::string bytes = file.read();
    CHECK((bytes.size() - values.size() * 4) % 64 == 0);                                            // NumPy aligns data to 64 bytes
    const std::string spelling = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 5), }";  // as NumPy writes it
    CHECK(bytes.substr(10, 118) == spelling + std::string(117 - spelling.size(), ' ') + '\n');
}

TEST_CASE("npy_header: the form of NumPy for every rank, padded to the requested width", "[npy]") {
    const auto text = [](std::vector<std::size_t> shape, std::size_t width = 0) {
        const cvt::npy_start start = cvt::npy_header(shape, width);
        return std::string(start.bytes.data(), start.size);
    };
    const auto dictionary = [&](std::vector<std::size_t> shape) {
        const std::string all = text(std::move(shape));
        CHECK(all.size() % 64 == 0);
        CHECK(all.substr(0, 8) == std::string("\x93NUMPY\1\0", 8));
        CHECK(static_cast<unsigned char>(all[8]) + 256U * static_cast<unsigned char>(all[9]) == all.size() - 10);
        CHECK(all.back() == '\n');
        return all.substr(10, all.find('}') - 9);
    };
    const std::string begin = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    CHECK(dictionary({}) == begin + "), }");
    CHECK(dictionary({7}) == begin + "7,), }");
    CHECK(dictionary({0, 12}) == begin + "0, 12), }");
    const std::size_t huge = std::numeric_limits<std::size_t>::max();
    std::string eight = begin;
    for (int i = 0; i < 8; ++i) eight += (i == 0 ? "" : ", ") + std::to_string(huge);
    CHECK(dictionary(std::vector<std::size_t>(8, huge)) == eight + "), }");
    CHECK(text({1, 2}, 128).size() == 128);
    CHECK(text({1, 2}, 128).substr(0, 8) == text({1, 2}).substr(0, 8));
    CHECK(text({1, 2}, 100).substr(10) == begin + "1, 2), }" + std::string(100 - 11 - 59, ' ') + '\n');
    CHECK(text({1, 2}, 70).size() == 70);
    CHECK(text({1, 2}, 69).empty());
    CHECK(text({1}, 321).empty());
    CHECK(text(std::vector<std::size_t>(9, 1)).empty());
}

TEST_CASE("scalars, vectors and empty arrays", "[npy]") {
    const temporary_file file;
    const float one[]{4.5F};
    const std::size_t extents[]{1, 0};
    REQUIRE_FALSE(cvt::write_npy(file.path.c_str(), one, {}));
    auto array = cvt::read_npy(file.path.c_str());
    REQUIRE(array);
    CHECK(array->shape.size() == 0);
    REQUIRE(array->values.size() == 1);
    CHECK(array->values[0] == 4.5F);
    REQUIRE_FALSE(cvt::write_npy(file.path.c_str(), one, std::span{extents, 1}));
    array = cvt::read_npy(file.path.c_str());
    REQUIRE(array);
    CHECK(array->shape.size() == 1);
    REQUIRE_FALSE(cvt::write_npy(file.path.c_str(), {}, extents));
    array = cvt::read_npy(file.path.c_str());
    REQUIRE(array);
    CHECK(array->shape[1] == 0);
    CHECK(array->values.empty());
}

TEST_CASE("write_npy refuses shapes that do not fit and paths it cannot write", "[npy]") {
    const float values[]{1, 2};
    const std::size_t three[]{3}, huge[]{std::numeric_limits<std::size_t>::max() / 2 + 1, 2}, nine[]{1, 1, 1, 1, 1, 1, 1, 1, 2}, two[]{2};
    const temporary_file file;
    CHECK(cvt::write_npy(file.path.c_str(), values, three).code() == cvt::errc::invalid_argument);
    CHECK(cvt::write_npy(file.path.c_str(), {}, huge).code() == cvt::errc::invalid_argument);
    CHECK(cvt::write_npy(file.path.c_str(), values, nine).code() == cvt::errc::invalid_argument);
    CHECK_THAT(cvt::write_npy(file.path.c_str(), values, nine).what(), Catch::Contains("at most 8 dimensions, found 9"));
    CHECK_FALSE(std::filesystem::exists(file.path));
    CHECK(cvt::write_npy("/nonexistent/a.npy", values, two).code() == cvt::errc::io);
    if (std::filesystem::exists("/dev/full")) CHECK(cvt::write_npy("/dev/full", values, two).code() == cvt::errc::io);
}

TEST_CASE("header forms that NumPy writes or accepts", "[npy]") {
    for (const std::string header : {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n",
                                     "{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<f4\"}",
                                     "{ 'fortran_order' : False , 'descr' : '<f4' , 'shape' : ( 2 , 3 ) }\n"}) {
        INFO(header);
        for (const int version : {1, 2}) CHECK_FALSE(error_of(npy(header, 24, version)));
    }
    CHECK_FALSE(error_of<double>(npy(dict("(2, 3)", "'<f8'"), 48)));
}

TEST_CASE("an unsupported type, order or rank is named", "[npy]") {
    const cvt::error type = error_of(npy(dict("(2,)", "'<f8'"), 16));
    CHECK(type.code() == cvt::errc::unsupported);
    CHECK(contains(type, "expected elements of type <f4 (float32), found '<f8'"));
    CHECK(contains(error_of<double>(npy(dict("(2,)"), 8)), "expected elements of type <f8 (float64), found '<f4'"));
    for (const std::string descr : {"'>f4'", "'|u1'", "'<i4'", "'|O'", "'<f2'", "''"}) {
        INFO(descr);
        CHECK(error_of(npy(dict("(2,)", descr), 8)).code() == cvt::errc::unsupported);
    }
    CHECK(contains(error_of(npy(dict("(2,)", "[('a', '<f4')]"), 8)), "structured"));
    const cvt::error order = error_of(npy(dict("(2, 3)", "'<f4'", "True"), 24));
    CHECK(order.code() == cvt::errc::unsupported);
    CHECK(contains(order, "expected C order, found Fortran order"));
    CHECK_FALSE(error_of(npy(dict("(1,1,1,1,1,1,1,1)"), 4)));
    CHECK(contains(error_of(npy(dict("(1,1,1,1,1,1,1,1,1)"), 4)), "more than 8 dimensions"));
    CHECK(contains(error_of(npy(dict("(2,)"), 8, 3)), "version 3.0: expected 1 or 2"));
}

TEST_CASE("a shape is refused unless the file has that many bytes", "[npy]") {
    CHECK_FALSE(error_of(npy(dict("(2, 3)"), 24)));
    CHECK(contains(error_of(npy(dict("(2, 3)"), 23)), "expected 24 bytes of data for the shape in the .npy header, file has 23"));
    CHECK(contains(error_of(npy(dict("(2, 3)"), 25)), "file has 25"));
    for (const std::string shape : {"(1000000000000,)", "(18446744073709551615,)", "(4294967296, 4294967296)", "(9223372036854775808, 2)",
                                    "(4611686018427387904,)", "(4611686018427387905,)", "(0, 0, 5)"}) {
        INFO(shape);
        CHECK(error_of(npy(dict(shape), 4)).code() == cvt::errc::malformed);
    }
}

TEST_CASE("malformed headers are refused", "[npy]") {
    for (const std::string header : {"",
                                     " ",
                                     "\n",
                                     "{",
                                     "{}",
                                     "{'descr'",
                                     "{'descr':",
                                     "{'descr': '<f4",
                                     "{'descr': '<f4'}",
                                     "{'descr': '<f4', 'fortran_order': False}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': [2]}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                                     "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
                                     "{'descr': '<f4', 'fortran_order': Fals, 'shape': (2,)}",
                                     "{'descr': <f4, 'fortran_order': False, 'shape': (2,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}}",
                                     "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}",
                                     "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}",
                                     "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
                                     "{'a': '<f4', 'b': False, 'c': (2,)}"}) {
        INFO(header);
        CHECK(error_of(npy(header, 8)).code() == cvt::errc::malformed);
    }
    std::string with_zero = dict("(2,)");
    with_zero[3] = '\0';
    CHECK(error_of(npy(with_zero, 8)).code() == cvt::errc::malformed);
}

TEST_CASE("a file truncated anywhere is an error", "[npy]") {
    for (const int version : {1, 2}) {
        const std::string whole = npy(dict("(2, 3)"), 24, version);
        CHECK_FALSE(error_of(whole));
        for (std::size_t n = 0; n < whole.size(); ++n) {
            INFO(n);
            CHECK(error_of(whole.substr(0, n)).code() == cvt::errc::malformed);
        }
    }
    std::string huge_header = npy(dict("(2,)"), 8, 2);
    huge_header[11] = '\x7F';
    CHECK(contains(error_of(huge_header), "expected at most 65536"));
    CHECK(contains(error_of("PK\x03\x04 this is no array"), "not a .npy file"));
    CHECK(cvt::read_npy("/nonexistent/a.npy").error().code() == cvt::errc::io);
    CHECK(cvt::read_npy(std::filesystem::temp_directory_path().string().c_str()).error().code() == cvt::errc::io);
}

namespace {

/// The values of a file that npy_file opens, read in pieces of `step`.
std::vector<float> read_in_steps(const std::string& bytes, std::size_t step) {
    const temporary_file file;
    file.write(bytes);
    auto open = cvt::npy_file::open(file.path.c_str());
    INFO(open.error().what());
    REQUIRE(open);
    std::size_t count = 1;
    for (const std::size_t n : open->shape()) count *= n;
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; i += step) REQUIRE_FALSE(open->read(i, std::span{values}.subspan(i, std::min(step, count - i))));
    // Any part, in any order.
    float last = 0, first = 0;
    REQUIRE_FALSE(open->read(count - 1, {&last, 1}));
    REQUIRE_FALSE(open->read(0, {&first, 1}));
    CHECK(last == values.back());
    CHECK(first == values.front());
    CHECK(open->read(count, {&last, 1}).code() == cvt::errc::invalid_argument);
    CHECK(open->read(SIZE_MAX, {&last, 1}).code() == cvt::errc::invalid_argument);
    return values;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

TEST_CASE("npy_file reads parts of float16, float32 and float64 in both orders as float32", "[npy]") {
    const std::vector<float> expected{0, 1, 2, 3, 4, 5};
    const std::vector<float> f4 = expected, f4_fortran{0, 3, 1, 4, 2, 5};
    const std::vector<double> f8{0, 1, 2, 3, 4, 5}, f8_fortran{0, 3, 1, 4, 2, 5};
    const std::vector<std::uint16_t> f2{0x0000, 0x3C00, 0x4000, 0x4200, 0x4400, 0x4500};
    for (const std::size_t step : {1U, 4U, 6U}) {
        CAPTURE(step);
        CHECK(read_in_steps(npy(dict("(2, 3)"), 0) + bytes_of(f4), step) == expected);
        CHECK(read_in_steps(npy(dict("(2, 3)", "'<f4'", "True"), 0) + bytes_of(f4_fortran), step) == expected);
        CHECK(read_in_steps(npy(dict("(2, 3)", "'<f8'"), 0) + bytes_of(f8), step) == expected);
        CHECK(read_in_steps(npy(dict("(2, 3)", "'<f8'", "True"), 0) + bytes_of(f8_fortran), step) == expected);
        CHECK(read_in_steps(npy(dict("(2, 3)", "'<f2'"), 0) + bytes_of(f2), step) == expected);
    }
    // Three axes: element [i][j][k] = 100 i + 10 j + k.
    std::vector<float> c_order, fortran;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 4; ++k) c_order.push_back(static_cast<float>(100 * i + 10 * j + k));
    for (int k = 0; k < 4; ++k)
        for (int j = 0; j < 3; ++j)
            for (int i = 0; i < 2; ++i) fortran.push_back(static_cast<float>(100 * i + 10 * j + k));
    CHECK(read_in_steps(npy(dict("(2, 3, 4)", "'<f4'", "True"), 0) + bytes_of(fortran), 5) == c_order);
    // A float64 becomes the nearest float32.
    const std::vector<float> rounded =
        read_in_steps(npy(dict("(4,)", "'<f8'"), 0) + bytes_of(std::vector<double>{0.1, 3.4028235e38, 1e300, -1e39}), 4);
    CHECK(rounded[0] == 0.1F);
    CHECK(rounded[1] == 3.4028235e38F);
    CHECK(rounded[2] == HUGE_VALF);
    CHECK(rounded[3] == -HUGE_VALF);
}

TEST_CASE("npy_file refuses what it cannot read", "[npy]") {
    const auto refused = [](const std::string& bytes) {
        const temporary_file file;
        file.write(bytes);
        return std::string{cvt::npy_file::open(file.path.c_str()).error().what()};
    };
    CHECK_THAT(refused(npy(dict("(2,)", "'>f4'"), 8)),
               Catch::Contains("expected elements of type <f4, <f8 or <f2 (float32, float64, float16), found '>f4'"));
    CHECK_THAT(refused(npy(dict("(2,)", "'<f2'"), 5)), Catch::Contains("expected 4 bytes of data"));
    CHECK_THAT(refused(npy(dict("(2, 3)", "'<f8'", "True"), 47)), Catch::Contains("expected 48 bytes of data"));
    CHECK_THAT(refused("nothing"), Catch::Contains("not a .npy file"));
    CHECK(cvt::npy_file::open("/nonexistent/a.npy").error().code() == cvt::errc::io);
}
