/* safetensors: the layout of what is written, and headers that lie. */
#define _GNU_SOURCE
#include "io_files.h"

FILES_SUITE(safetensors);

/* The header's length, JSON, offsets without gaps from 0 on, values on multiples of their size; the widest first. */
Test(safetensors, the_layout_of_safetensors)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("bytes", ml_ones(ML_SHAPE(3), ML_U8));
    cr_assert(ml_archive_add(a, "double", ml_scalar(2, ML_F64)) && ml_archive_add(a, "b", ml_scalar(1, ML_F32)) && ml_archive_add(a, "a", ml_scalar(1, ML_F32)));
    size_t n;
    char  *file = ml_save_bytes(a, ML_SAFETENSORS, &n);
    static const char expected[] = "{\"double\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
                                   "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}";
    size_t header = (size_t)(unsigned char)file[0] + 256 * (size_t)(unsigned char)file[1];
    cr_expect(header % 8 == 0 && header >= sizeof expected - 1 && n == 8 + header + 19, "%zu, %zu", header, n);
    cr_expect(memcmp(file + 8, expected, sizeof expected - 1) == 0, "%.*s", (int)header, file + 8);
    for (size_t i = sizeof expected - 1; i < header; i++) cr_expect_eq(file[8 + i], ' ');
    static const unsigned char values[] = { 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 1, 1, 1 };
    cr_expect(memcmp(file + 8 + header, values, 19) == 0);
    ml_realloc(file, n, 0);
    ml_archive_free(a);
    ml_scope_end(&scope);
}

static bytes with_header(const char *header, size_t data)
{
    size_t n = strlen(header);
    bytes  b = { calloc(1, 8 + n + data + 1), 8 + n + data };
    for (int i = 0; i < 8; i++) b.data[i] = (char)(n >> 8 * i);
    memcpy(b.data + 8, header, n);
    return b;
}

static void safetensors_refuses(const char *header, size_t data, const char *words)
{
    bytes b = with_header(header, data);
    refused(ML_SAFETENSORS, b.data, b.n, words);
    free(b.data);
}

#define T(name, dtype, shape, offsets) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

Test(safetensors, safetensors_headers_that_lie_are_refused)
{
    safetensors_refuses("[" T("a", "F32", "1", "0,4") "]", 4, "byte 8: the header must begin with {");
    safetensors_refuses(" {" T("a", "F32", "1", "0,4") "}", 4, "must begin with {");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "} x", 4, "something follows the header's last bracket");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") ",}", 4, "a '\"' is missing");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("a", "F32", "1", "4,8") "}", 8, "two tensors called 'a'");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("\\u0061", "F32", "1", "4,8") "}", 8, "two tensors called 'a'");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a field is there twice");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "a field that is not");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a tensor needs dtype, shape and data_offsets");
    safetensors_refuses("{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}", 0, "a '{' is missing");
    safetensors_refuses("{" T("a", "F8_E4M3", "4", "0,4") "}", 4, "the dtype 'F8_E4M3' is not read");
    safetensors_refuses("{" T("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "more than 8 dimensions");
    safetensors_refuses("{" T("a", "F32", "-1", "0,4") "}", 4, "a whole number, not negative");
    safetensors_refuses("{" T("a", "F32", "1.0", "0,4") "}", 4, "whole numbers");
    safetensors_refuses("{" T("a", "F32", "1e0", "0,4") "}", 4, "whole numbers");
    safetensors_refuses("{" T("a", "F32", "01", "0,4") "}", 4, "begins with 0");
    safetensors_refuses("{" T("a", "F32", "NaN", "0,4") "}", 4, "a whole number, not negative");
    safetensors_refuses("{" T("a", "F32", "9223372036854775808", "0,4") "}", 4, "over 2^63 - 1");
    safetensors_refuses("{" T("a", "F32", "4611686018427387905", "0,4") "}", 4, "does not fit into any memory"); /* times 4 it wraps to 4 */
    safetensors_refuses("{" T("a", "U8", "4294967296,4294967297", "0,4294967296") "}", 4, "does not fit into any memory");
    safetensors_refuses("{" T("a", "F32", "2", "0,4") "}", 4, "do not fit the shape");
    safetensors_refuses("{" T("a", "F32", "1", "4,0") "}", 4, "end before they begin");
    safetensors_refuses("{" T("a", "F32", "2", "0,8") "}", 4, "beyond the end of the file");
    safetensors_refuses("{" T("a", "F32", "1", "0") "}", 4, "two numbers");
    safetensors_refuses("{" T("a", "F32", "1", "0,4,4") "}", 4, "two numbers");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "2,6") "}", 6, "two tensors share bytes: 'b' begins at byte 2");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "0,4") "}", 4, "two tensors share bytes");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "8,12") "}", 12, "bytes that belong to no tensor: 'b'");
    safetensors_refuses("{" T("a", "F32", "1", "4,8") "}", 8, "bytes that belong to no tensor: 'a'");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "}", 5, "1 bytes follow the last tensor");
    safetensors_refuses("{" T("a", "F32", "0", "2,2") "," T("b", "F32", "1", "0,4") "}", 4, "two tensors share bytes");
    safetensors_refuses("{\"__metadata__\":{\"a\":1}}", 0, "must be text");
    safetensors_refuses("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "two notes called 'a'");
    safetensors_refuses("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice");
    safetensors_refuses("{" T("\\u0000", "F32", "1", "0,4") "}", 4, "a zero in a text");
    safetensors_refuses("{" T("\\ud800", "F32", "1", "0,4") "}", 4, "half of a surrogate pair");
    safetensors_refuses("{" T("\\udc00", "F32", "1", "0,4") "}", 4, "half of a surrogate pair");
    safetensors_refuses("{" T("\\x", "F32", "1", "0,4") "}", 4, "an unknown escape");
    safetensors_refuses("{" T("\\u00g0", "F32", "1", "0,4") "}", 4, "four hexadecimal digits");
    safetensors_refuses("{" T("\n", "F32", "1", "0,4") "}", 4, "a control character");
    safetensors_refuses("{" T("\xff", "F32", "1", "0,4") "}", 4, "byte 10: the header is not UTF-8");
    safetensors_refuses("{\"a", 0, "a text does not end");
    refused(ML_SAFETENSORS, "1234567", 7, "7 bytes are too few");
    refused(ML_SAFETENSORS, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "a header of 18446744073709551615 bytes, where 2 follow");
    bytes large = { calloc(1, 17000008), 17000008 };
    memcpy(large.data, "\x40\x66\x03\x01\0\0\0\0{", 9);
    refused(ML_SAFETENSORS, large.data, large.n, "16 MB are allowed");
    free(large.data);
}

Test(safetensors, safetensors_of_many_small_things_are_refused_before_they_are_made)
{
    size_t n = 0, room = (size_t)66000 * 70;
    char  *header = malloc(room);
    n += (size_t)snprintf(header, room, "{");
    for (int i = 0; i <= 65536; i++)
        n += (size_t)snprintf(header + n, room - n, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i);
    snprintf(header + n, room - n, "}");
    safetensors_refuses(header, 0, "more than 65,536 tensors");
    free(header);
}

Test(safetensors, safetensors_that_others_write_are_read)
{
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}, \"\\ud83d\\ude00\\t\\/\" : { \"shape\" : [ ] , \"data_offsets\":[2,4],\"dtype\":\"BF16\"},"
                                 T("h", "F16", "1", "0,2") "," T("n", "I32", "1,2", "4,12") "," T("none", "F32", "0,3", "4,4") "," T("e", "F64", "0", "12,12") "}   ";
    bytes b = with_header(header, 12);
    memcpy(b.data + b.n - 12, "\x00\x3e\xc0\x3f\xff\xff\xff\xff\x05\x00\x00\x00", 12);
    ml_archive *a = load(ML_FORMAT_GUESS, b.data, b.n);
    cr_assert(a && ml_archive_count(a) == 5, "%s", ml_error_message());
    cr_expect(ml_item(ml_archive_find(a, "h")) == 1.5 && ml_item(ml_archive_find(a, "\xF0\x9F\x98\x80\t/")) == 1.5);
    double n[2];
    ml_tensor_copy_out(ml_archive_find(a, "n"), ML_F64, n);
    cr_expect(n[0] == -1 && n[1] == 5 && ml_tensor_size(ml_archive_find(a, "n"), 1) == 2);
    cr_expect(ml_tensor_numel(ml_archive_find(a, "none")) == 0 && ml_tensor_size(ml_archive_find(a, "none"), 1) == 3);
    cr_expect_str_eq(ml_archive_note_text(a, 0), "pt");
    ml_archive_free(a);
    free(b.data);
    b = with_header("{}", 0);
    a = load(ML_SAFETENSORS, b.data, b.n);
    cr_expect(a && ml_archive_count(a) == 0, "%s", ml_error_message());
    ml_archive_free(a);
    free(b.data);
}
