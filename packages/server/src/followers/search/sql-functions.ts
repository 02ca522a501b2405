/** A call that is refused: what about it, and what to do instead where there is something. */
export interface RefusedFunctions {
  /** Goes on after "The function "x" is not allowed: ". */
  readonly reason: string;
  /** Names in lower case. */
  readonly names: ReadonlySet<string>;
}

/**
 * Functions of the query engine that a statement may call, operators among them: they compute from their arguments and from nothing else. A list of
 * what is allowed, because a function that a later version of the engine brings must be looked at before anybody may call it; a test compares
 * both lists with the functions that there are. Names in lower case. Rule: SQL-3.
 */
export const ALLOWED_FUNCTIONS: ReadonlySet<string> = setOf(`
  !__postfix % & && * ** + - ->> / // <-> << <=> <@ >> @ @> ^ ^@ | || ~

  any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null
  arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star countif covar_pop
  covar_samp cume_dist dense_rank entropy favg fill first first_value fsum group_concat histogram histogram_exact kahan_sum kurtosis
  kurtosis_pop lag last last_value lead list listagg mad max max_by mean median min min_by mode nth_value ntile percent_rank product quantile
  quantile_cont quantile_disc rank rank_dense regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  reservoir_quantile row_number sem skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance

  array_to_json json json_array json_array_length json_exists json_extract json_extract_path json_extract_path_text json_extract_string
  json_group_array json_group_object json_keys json_object json_pretty json_quote json_type json_valid json_value row_to_json to_json

  aggregate apply array_aggr array_aggregate array_append array_apply array_cat array_concat array_contains array_cosine_distance
  array_cosine_similarity array_cross_product array_distance array_distinct array_dot_product array_extract array_filter array_grade_up
  array_has array_has_all array_has_any array_indexof array_inner_product array_intersect array_length array_negative_dot_product
  array_negative_inner_product array_pop_back array_pop_front array_position array_prepend array_push_back array_push_front array_reverse
  array_reverse_sort array_select array_slice array_sort array_to_string array_to_string_comma_default array_transform array_unique
  array_value array_where array_zip cardinality element_at enum_code enum_first enum_last enum_range enum_range_boundary equi_width_bins
  filter flatten generate_subscripts grade_up is_histogram_other_bin len length list_aggr list_aggregate list_any_value list_append list_apply
  list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_cat list_concat list_contains
  list_cosine_distance list_cosine_similarity list_count list_distance list_distinct list_dot_product list_element list_entropy list_extract
  list_filter list_first list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_inner_product list_intersect
  list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_negative_dot_product
  list_negative_inner_product list_pack list_position list_prepend list_product list_reverse list_reverse_sort list_select list_sem
  list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform list_unique list_value
  list_var_pop list_var_samp list_where list_zip map map_concat map_contains map_contains_entry map_contains_value map_entries map_extract
  map_extract_value map_from_entries map_keys map_values row struct_concat struct_contains struct_extract struct_extract_at struct_has
  struct_indexof struct_insert struct_keys struct_pack struct_position struct_update struct_values union_extract union_tag union_value unnest

  age ago century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub date_trunc datediff datepart
  datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time
  get_current_timestamp hour isfinite isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns
  make_timestamptz microsecond millennium millisecond minute month monthname nanosecond now quarter second strftime strptime time_bucket
  timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes
  to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp try_strptime uuid_extract_timestamp week weekday
  weekofyear year yearweek

  abs acos acosh add alias ascii asin asinh atan atan2 atanh bar base64 bin bit_count bit_length bit_position cbrt ceil ceiling char_length
  character_length chr concat concat_ws contains cos cosh cot current_catalog current_database current_role current_schema current_user decode
  degrees divide encode ends_with even exp factorial fdiv floor fmod format_bytes formatreadabledecimalsize formatreadablesize from_base64
  from_binary from_hex gamma gcd gen_random_uuid geomean geometric_mean get_bit greatest greatest_common_divisor hamming hash hex instr isinf
  isnan jaccard lcase lcm least least_common_multiple left left_grapheme length_grapheme lgamma ln log log10 log2 lower ltrim md5 md5_number
  md5_number_lower md5_number_upper mismatches mod multiply nextafter nfc_normalize nullif octet_length ord parse_dirname parse_dirpath
  parse_filename parse_formatted_bytes parse_path pg_size_pretty pg_typeof pi position pow power prefix radians random regexp_escape replace
  reverse right right_grapheme round round_even roundbankers rtrim session_user set_bit sha1 sha256 sign signbit sin sinh split split_part sqrt
  starts_with str_split string_split string_to_array strip_accents strlen strpos substr substring substring_grapheme subtract suffix tan
  tanh to_base to_base64 to_binary to_hex translate trim trunc typeof ucase unbin unhex unicode upper url_decode url_encode user uuid
  uuid_extract_version uuidv4 uuidv7 version wavg weighted_avg xor
`);

/**
 * Table functions that look at nothing but their arguments, and give their rows a few at a time. All others are refused: most of them read files or
 * the engine.
 */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(["generate_series", "json_each", "json_tree", "range", "unnest"]);

const INNER_REASON = "it is a part of the engine that was not made to be called.";
/** Families of the engine's inner functions: `__internal_compress_…`, and one for each collation. */
const INNER_FUNCTION = /^(?:__internal_|icu_collate_)/;

/** Functions that a statement may not call, each group with its reason. What is in no list is refused as unknown. */
export const REFUSED_FUNCTIONS: readonly RefusedFunctions[] = [
  {
    reason: "it looks at the engine, not at the trail.",
    names: setOf(`
      col_description current_connection_id current_query current_query_id current_schemas current_setting current_transaction_id
      format_pg_type format_type get_block_size getvariable has_any_column_privilege has_column_privilege has_database_privilege
      has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_schema_privilege has_sequence_privilege
      has_server_privilege has_table_privilege has_tablespace_privilege in_search_path inet_client_addr inet_client_port inet_server_addr
      inet_server_port map_to_pg_oid obj_description pg_collation_is_visible pg_conf_load_time pg_conversion_is_visible pg_function_is_visible
      pg_get_constraintdef pg_get_expr pg_get_viewdef pg_has_role pg_is_other_temp_schema pg_my_temp_schema pg_opclass_is_visible
      pg_operator_is_visible pg_opfamily_is_visible pg_postmaster_start_time pg_table_is_visible pg_ts_config_is_visible pg_ts_dict_is_visible
      pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible shobj_description txid_current`),
  },
  { reason: "it changes the engine, or only waits.", names: setOf("currval nextval pg_sleep setseed sleep_ms write_log") },
  { reason: "its message would hold what entries hold.", names: setOf("error") },
  { reason: "it takes SQL apart or runs it.", names: setOf("json_deserialize_sql json_serialize_plan json_serialize_sql") },
  {
    reason: "one call can fill the memory. Use generate_series or range after FROM, bar for bars, and list_sum and the like for lists.",
    names: setOf("array_reduce array_resize bitstring bitstring_agg generate_series list_reduce list_resize range reduce repeat"),
  },
  {
    reason: "one call on long text can run for hours, and cannot be stopped.",
    names: setOf("damerau_levenshtein editdist3 jaro_similarity jaro_winkler_similarity levenshtein"),
  },
  {
    reason: "deeply nested text ends the process of the engine.",
    names: setOf(`
      json_contains json_group_structure json_merge_patch json_structure st_asbinary st_astext st_aswkb st_aswkt st_crs st_geomfromwkb
      st_intersects_extent st_setcrs variant_bytes_to_variant variant_extract variant_normalize variant_to_parquet_variant variant_typeof`),
  },
  { reason: "the engine fails over some of its arguments. Use CASE.", names: setOf("switch") },
  {
    reason: INNER_REASON,
    names: setOf(`
      can_cast_implicitly cast_to_type combine constant_or_null create_sort_key finalize get_type icu_sort_key make_type normalized_interval
      parse_duckdb_log_message remap_struct replace_type stats timetz_byte_comparable unpivot_list vector_type`),
  },
];

/** Why a function is refused, as it goes on after "The function "x" is not allowed: "; undefined for one that nobody has heard of. */
export function refusalOf(name: string): string | undefined {
  if (INNER_FUNCTION.test(name)) return INNER_REASON;
  return REFUSED_FUNCTIONS.find(({ names }) => names.has(name))?.reason;
}

function setOf(names: string): ReadonlySet<string> {
  return new Set(names.trim().split(/\s+/));
}
