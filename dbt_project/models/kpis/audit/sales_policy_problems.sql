-- What is wrong in the policy files that segments, portfolios, KPIs, targets and budgets follow: one plain sentence
-- each. Records that could not even be read are in rejects.

{#- What may be wrong: feed, code, whether it blocks, and the sentences, in which {key} and {detail} stand for what the
    query below has found. -#}
{%- set problems = [
    ('segment_rules', 'axis_missing', true,
        'Version {key} of the segment rules has no rows on the axis {detail}; add its classes, or remove the version.',
        'Version {key} af segmentreglerne har ingen rækker på aksen {detail}; tilføj klasserne, eller slet versionen.'),
    ('segment_rules', 'class_code_taken', true,
        'Class N in {key} of the segment rules is taken by negative figures; give the class another code.',
        'Klassen N i {key} af segmentreglerne er optaget af negative tal; giv klassen en anden kode.'),
    ('segment_rules', 'share_of_ratio', true,
        'Axis {key} of the segment rules takes a cumulative share of the ratio {detail}, but ratios do not add up; '
        ~ 'choose another method, or an amount as basis.',
        'Aksen {key} i segmentreglerne tager en kumuleret andel af forholdstallet {detail}, men forholdstal kan ikke '
        ~ 'lægges sammen; vælg en anden metode, eller et beløb som basis.'),
    ('segment_rules', 'rows_disagree', true,
        'The rows of {key} in the segment rules differ in {detail}; give all rows of a version and axis the same.',
        'Rækkerne for {key} i segmentreglerne er uenige om {detail}; skriv det samme i dem alle.'),
    ('segment_rules', 'same_valid_from', true,
        'Versions {key} of the segment rules are both valid from {detail}; give one of them another day, or remove it.',
        'Versionerne {key} af segmentreglerne gælder begge fra {detail}; giv den ene en anden dag, eller slet den.'),
    ('segment_rules', 'share_out_of_range', true,
        'The bound {detail} of {key} in the segment rules is a share and must lie between 0 and 1; write 0.8 for 80 %.',
        'Grænsen {detail} for {key} i segmentreglerne er en andel og skal ligge mellem 0 og 1; skriv 0,80 for 80 %.'),
    ('segment_rules', 'bound_repeated', true,
        'Two classes of {key} in the segment rules have the same bound, so one has no customers; give each its own.',
        'To klasser af {key} i segmentreglerne har samme grænse, så den ene er altid tom; giv dem hver sin.'),
    ('segment_rules', 'hysteresis_out_of_range', true,
        'The hysteresis {detail} of {key} in the segment rules must be from 0 to below 1; write 0.05 for 5 %.',
        'Båndet {detail} for {key} i segmentreglerne skal være fra 0 til under 1; skriv 0,05 for 5 %.'),
    ('segment_rules', 'segment_ambiguous', true,
        'Two pairs of classes in {key} of the segment rules both give the segment {detail}; rename one of the classes.',
        'To par af klasser i {key} af segmentreglerne giver begge segmentet {detail}; omdøb en af klasserne.'),
    ('segment_overrides', 'customer_unknown', false,
        'The segment decision {key} is about a customer that the accounts do not know; correct the customer number.',
        'Segmentbeslutningen {key} gælder en kunde, som kunderegnskabet ikke kender; ret kundenummeret.'),
    ('segment_overrides', 'segment_unknown', true,
        'The segment decision {key} names {detail}, which no rules in force know; choose a segment of the rules.',
        'Segmentbeslutningen {key} nævner {detail}, som ingen gældende regler kender; vælg et af reglernes segmenter.'),
    ('segment_overrides', 'customer_is_of_a_chain', true,
        'The segment decision {key} is about an outlet of the chain {detail}, which is in one segment as a whole '
        ~ '(segment_level in company.yaml); write {detail} as the customer, or remove the decision.',
        'Segmentbeslutningen {key} gælder en butik i kæden {detail}, som er i ét segment tilsammen (segment_level i '
        ~ 'company.yaml); skriv {detail} som kunde, eller slet beslutningen.'),
    ('customer_owners', 'shares_above_one', true,
        'The shares of the owners of {key} sum to {detail}; lower one, so that they give at most 1, or end one.',
        'De kundeansvarliges andele af {key} giver {detail}; sæt en ned, så de højst giver 1, eller slut en før.'),
    ('customer_owners', 'share_not_positive', true,
        'The ownership {key} has the share {detail}, which must be above 0; correct it, or remove the record.',
        'Kundeansvaret {key} har andelen {detail}, som skal være over 0; ret den, eller slet posten.'),
    ('customer_owners', 'ends_before_it_begins', true,
        'The ownership {key} ends on {detail}, before it begins; correct one of the dates.',
        'Kundeansvaret {key} slutter {detail}, før det begynder; ret en af datoerne.'),
    ('customer_owners', 'customer_unknown', false,
        'The ownership {key} is of a customer that the accounts do not know; correct the customer number.',
        'Kundeansvaret {key} gælder en kunde, som kunderegnskabet ikke kender; ret kundenummeret.'),
    ('customer_owners', 'salesperson_unknown', false,
        'The ownership {key} is by a salesperson who is not in the list of salespeople; the customer counts as Ikke '
        ~ 'tildelt until the list or the code is corrected.',
        'Kundeansvaret {key} har en sælger, som ikke er på sælgerlisten; kunden regnes som Ikke tildelt, indtil listen '
        ~ 'eller koden er rettet.'),
    ('service_concepts', 'rate_out_of_range', true,
        'The service concept {key} has the maximum_bonus_rate {detail}, which must be 0 to 1; write 0.02 for 2 %.',
        'Servicekonceptet {key} har maximum_bonus_rate {detail}, som skal være 0 til 1; skriv 0,02 for 2 %.'),
    ('service_concepts', 'segment_unknown', false,
        'The service concept {key} is for a segment that no segment rules know; correct the segment.',
        'Servicekonceptet {key} gælder et segment, som ingen segmentregler kender; ret segmentet.'),
    ('kpi_register', 'kpi_unknown', false,
        'The KPI {key} has no formula and is not computed; use one of the keys in audit.kpi_formulas, or give it a '
        ~ 'formula in the feed kpi_formulas.',
        'Nøgletallet {key} har ingen formel og beregnes ikke; brug en af nøglerne i audit.kpi_formulas, eller giv det '
        ~ 'en formel i kpi_formulas.'),
    ('kpi_formulas', 'kpi_is_standard', true,
        'The KPI {key} is a standard one, whose formula is the same in every company; give yours another key.',
        'Nøgletallet {key} hører til standarden, hvor formlen er den samme i alle firmaer; giv jeres en anden nøgle.'),
    ('kpi_formulas', 'not_in_register', true,
        'The KPI {key} has a formula and no name; add it to kpi_register.',
        'Nøgletallet {key} har en formel og intet navn; tilføj det i kpi_register.'),
    ('kpi_formulas', 'no_numerator', true,
        'The formula of the KPI {key} has no numerator; add one.',
        'Formlen for nøgletallet {key} har ingen tæller; tilføj en.'),
    ('kpi_formulas', 'too_many_measures', true,
        'The {detail} of the KPI {key} has more measures than four; leave some out.',
        'Nøgletallet {key} har mere end fire mål i sin {detail}; udelad nogle.'),
    ('kpi_formulas', 'coefficient_too_large', true,
        'The formula of the KPI {key} has the coefficient {detail}; it must be from -1000000 to 1000000.',
        'Formlen for nøgletallet {key} har koefficienten {detail}; den skal være fra -1000000 til 1000000.'),
    ('kpi_targets', 'baseline_of_customers', true,
        'The target {key} has a baseline, but its KPI counts customers, who do not add up over months; leave the '
        ~ 'baseline out.',
        'Målet {key} har et udgangspunkt, men nøgletallet tæller kunder, som ikke kan lægges sammen over måneder; '
        ~ 'udelad udgangspunktet.'),
    ('kpi_targets', 'kpi_unknown', true,
        'The target {key} is for a KPI without a formula; use one of the keys in audit.kpi_formulas.',
        'Målet {key} er for et nøgletal uden formel; brug en af nøglerne i audit.kpi_formulas.'),
    ('kpi_targets', 'scope_unknown', true,
        'The target {key} is for a {detail} that does not exist; correct scope_id.',
        'Målet {key} gælder noget på niveauet {detail}, som ikke findes; ret scope_id.'),
    ('kpi_targets', 'sum_without_end', true,
        'The target {key} is for a sum and has no last month, so no month can get its share; fill in month_to.',
        'Målet {key} gælder en sum og har ingen sidste måned, så ingen måned kan få sin del; udfyld month_to.'),
    ('kpi_targets', 'ends_before_it_begins', true,
        'The target {key} ends in {detail}, before it begins; correct one of the months.',
        'Målet {key} slutter {detail}, før det begynder; ret en af månederne.'),
    ('kpi_targets', 'baseline_incomplete', true,
        'The baseline of the target {key} lacks its first or its last month; fill in both, or none.',
        'Udgangspunktet for målet {key} mangler sin første eller sidste måned; udfyld begge, eller ingen.'),
    ('kpi_targets', 'baseline_ends_before_it_begins', true,
        'The baseline of the target {key} ends in {detail}, before it begins; correct one of the months.',
        'Udgangspunktet for målet {key} slutter {detail}, før det begynder; ret en af månederne.'),
    ('kpi_targets', 'periods_overlap', true,
        'The target {key} is not over when the next one begins in {detail}; end it earlier, or move the next.',
        'Målet {key} er ikke slut, når det næste begynder {detail}; lad det slutte før, eller flyt det næste.'),
    ('kpi_targets', 'named_twice', true,
        'The target {key} stands twice, as segment and as segment_opening, which are the same; remove one of them.',
        'Målet {key} står to gange, som segment og som segment_opening, og de er det samme; slet det ene.'),
    ('kpi_targets', 'baseline_of_segment_now', true,
        'The target {key} is for those who are in a segment now, so it has no baseline: others were in it then; leave '
        ~ 'the baseline out, or write segment_opening.',
        'Målet {key} gælder dem, der er i et segment nu, og har derfor intet udgangspunkt: dengang var det andre; '
        ~ 'udelad udgangspunktet, eller skriv segment_opening.'),
    ('budgets', 'scope_unknown', false,
        'The budget {key} is for a {detail} that does not exist, so nothing is held against it; correct scope_id.',
        'Budgettet {key} gælder noget på niveauet {detail}, som ikke findes, så det bruges ikke; ret scope_id.'),
    ('budgets', 'named_twice', true,
        'The budget {key} stands twice, as segment and as segment_opening, which are the same; remove one of them.',
        'Budgettet {key} står to gange, som segment og som segment_opening, og de er det samme; slet det ene.'),
] %}
{%- for feed, en, da in [('kpi_targets', 'The target', 'Målet'), ('budgets', 'The budget', 'Budgettet')] %}
{%- do problems.append((
    feed, 'segment_missing', true,
    en ~ ' {key} is for a salesperson within a segment and does not say which; fill in segment.',
    da ~ ' {key} gælder en sælger inden for et segment og siger ikke hvilket; udfyld segment.'
)) %}
{%- do problems.append((
    feed, 'segment_surplus', true,
    en ~ ' {key} names the segment {detail}, but is for no salesperson within a segment; write salesperson_segment as '
    ~ 'scope_type, or leave segment empty.',
    da ~ ' {key} nævner segmentet {detail}, men gælder ingen sælger inden for et segment; skriv salesperson_segment i '
    ~ 'scope_type, eller lad segment være tomt.'
)) %}
{%- endfor %}

{#- A target or budget of a salesperson within a segment says which; no other one does. -#}
{%- set is_without_segment = "scope_type = 'salesperson_segment' and segment = " ~ all_segments() %}
{%- set is_beside_segment = "scope_type <> 'salesperson_segment' and segment <> " ~ all_segments() %}

with rules as (
    select
        rule_version,
        axis,
        class_code,
        valid_from,
        coalesce(basis, case axis when 'size' then 'net_sales' else 'dg2' end) as basis,
        method,
        threshold_from,
        hysteresis,
        rule_version || ', ' || axis as axis_key,
        rule_version || ', ' || axis || ' ' || class_code as class_key,
        source_file,
        source_sheet,
        source_record
    from {{ ref('stg_segment_rules') }}
),

versions as (
    select
        rule_version,
        min(valid_from) as valid_from,
        max(case when axis = 'size' then 1 else 0 end) as has_size,
        max(case when axis = 'margin' then 1 else 0 end) as has_margin,
        {{ first_place() }}
    from rules
    group by rule_version
),

pairs as (
    select
        sizes.rule_version,
        sizes.class_code || margins.class_code as segment,
        {{ first_place('sizes') }}
    from rules as sizes
    inner join rules as margins
        on sizes.rule_version = margins.rule_version and sizes.axis = 'size' and margins.axis = 'margin'
    group by sizes.rule_version, sizes.class_code || margins.class_code
    having count(*) > 1
),

rules_in_force as (
    select distinct
        rule_version,
        valid_from,
        valid_before
    from {{ ref('segment_rules') }}
),

known_segments as (
    select
        codes.segment,
        rules_in_force.valid_from,
        rules_in_force.valid_before
    from {{ ref('int_segment_codes') }} as codes
    inner join rules_in_force
        on codes.rule_version = rules_in_force.rule_version
),

all_segments as (
    select segment
    from known_segments
    {%- for state in [new_state(), lost_state(), internal_state(), unknown_id()] %}
    union distinct
    select {{ state }} as segment
    {%- endfor %}
),

scopes as (
    select
        'company' as scope_type,
        'company' as scope_id
    union distinct
    select
        'team' as scope_type,
        coalesce(team, {{ unassigned_id() }}) as scope_id
    from {{ ref('salespeople') }}
    union distinct
    select
        'salesperson' as scope_type,
        salesperson_id as scope_id
    from {{ ref('salespeople') }}
    union distinct
    select
        'salesperson_today' as scope_type,
        salesperson_id as scope_id
    from {{ ref('salespeople') }}
    union distinct
    select
        'customer' as scope_type,
        customer_id as scope_id
    from {{ ref('customers') }}
    union distinct
    select
        'chain' as scope_type,
        chain as scope_id
    from {{ ref('int_customer_groups') }}
    where chain is not null
    {%- for scope_type in ['segment', 'segment_opening'] %}
    union distinct
    select
        '{{ scope_type }}' as scope_type,
        segment as scope_id
    from all_segments
    {%- endfor %}
    union distinct
    select
        'salesperson_segment' as scope_type,
        {{ salesperson_in_segment('salespeople.salesperson_id', 'all_segments.segment') }} as scope_id
    from {{ ref('salespeople') }} as salespeople
    cross join all_segments
),

overrides as (
    select
        customer_id,
        segment,
        decided_on,
        coalesce(valid_to, cast('9999-12-30' as date)) as valid_to,
        customer_id || ' ' || cast(decided_on as string) as key,
        source_file,
        source_sheet,
        source_record
    from {{ ref('stg_segment_overrides') }}
),

owners as (
    select
        customer_id,
        salesperson_id,
        valid_from,
        valid_to,
        coalesce(valid_to, cast('9999-12-30' as date)) as last_day_of_owner,
        share,
        customer_id || ' ' || salesperson_id || ' ' || cast(valid_from as string) as key,
        source_file,
        source_sheet,
        source_record
    from {{ ref('stg_customer_owners') }}
),

-- Shares rise on no day but one on which somebody becomes owner.
days as (
    select
        customer_id,
        valid_from,
        {{ first_place() }}
    from owners
    group by customer_id, valid_from
),

shares as (
    select
        days.customer_id,
        days.valid_from,
        sum(owners.share) as share,
        {{ first_place('days') }}
    from days
    inner join owners
        on
            days.customer_id = owners.customer_id
            and days.valid_from >= owners.valid_from
            and days.valid_from <= owners.last_day_of_owner
    group by days.customer_id, days.valid_from
),

targets as (
    select
        targets.kpi_id,
        targets.scope_type,
        targets.scope_id,
        targets.month_from,
        targets.month_to,
        targets.baseline_month_from,
        targets.baseline_month_to,
        targets.segment,
        formulas.is_sum,
        coalesce(terms.adds_up, true) as adds_up,
        targets.kpi_id || ', ' || targets.scope_type || ' ' || targets.scope_id || ', '
        || cast(targets.month_from as string) as key,
        lead(targets.month_from) over (
            partition by targets.kpi_id, targets.scope_type, targets.scope_id
            order by targets.month_from asc nulls last
        ) as next_month_from,
        count(*) over (
            partition by targets.kpi_id, targets.scope_type, targets.scope_id, targets.month_from
        ) as times_named,
        targets.source_file,
        targets.source_sheet,
        targets.source_record
    from {{ ref('stg_kpi_targets') }} as targets
    left join {{ ref('kpi_register') }} as formulas
        on targets.kpi_id = formulas.kpi_id
    left join {{ ref('kpi_terms') }} as terms
        on targets.kpi_id = terms.kpi_id
),

own_formulas as (
    select
        own.kpi_id,
        own.part,
        own.coefficient,
        row_number() over (partition by own.kpi_id, own.part order by own.measure asc nulls last) as place,
        sum(case when own.part = 'numerator' then 1 else 0 end) over (partition by own.kpi_id) as numerator_count,
        standard.kpi_id is not null as is_standard,
        register.kpi_id is not null as is_in_register,
        own.source_file,
        own.source_sheet,
        own.source_record
    from {{ ref('stg_kpi_formulas') }} as own
    left join {{ ref('default_kpi_register') }} as standard
        on own.kpi_id = standard.kpi_id
    left join {{ ref('stg_kpi_register') }} as register
        on own.kpi_id = register.kpi_id
),

found as (
    {%- for axis in ['size', 'margin'] %}
    select
        'segment_rules' as feed,
        'axis_missing' as problem,
        source_file,
        source_sheet,
        source_record,
        rule_version as key,
        '{{ axis }}' as detail
    from versions
    where has_{{ axis }} = 0
    union all
    {%- endfor %}
    select
        'segment_rules' as feed,
        'class_code_taken' as problem,
        source_file,
        source_sheet,
        source_record,
        axis_key as key,
        class_code as detail
    from rules
    where class_code = {{ negative_class() }}
    union all
    select
        'segment_rules' as feed,
        'share_of_ratio' as problem,
        {{ first_place() }},
        axis_key as key,
        basis as detail
    from rules
    where method = 'cumulative_share' and basis in ('dg1', 'dg2', 'dg3')
    group by axis_key, basis
    {%- for column in ['method', 'basis', 'hysteresis', 'valid_from'] %}
    {%- set key = 'rule_version' if column == 'valid_from' else 'axis_key' %}
    union all
    select
        'segment_rules' as feed,
        'rows_disagree' as problem,
        {{ first_place() }},
        {{ key }} as key,
        '{{ column }}' as detail
    from rules
    group by {{ key }}
    having count(distinct {{ column }}) > 1
    {%- endfor %}
    union all
    select
        'segment_rules' as feed,
        'same_valid_from' as problem,
        later.source_file,
        later.source_sheet,
        later.source_record,
        earlier.rule_version || ' / ' || later.rule_version as key,
        cast(later.valid_from as string) as detail
    from versions as earlier
    inner join versions as later
        on earlier.valid_from = later.valid_from and earlier.rule_version < later.rule_version
    union all
    select
        'segment_rules' as feed,
        'share_out_of_range' as problem,
        source_file,
        source_sheet,
        source_record,
        class_key as key,
        cast(threshold_from as string) as detail
    from rules
    where method in ('percentile', 'cumulative_share') and (threshold_from < 0 or threshold_from > 1)
    union all
    select
        'segment_rules' as feed,
        'bound_repeated' as problem,
        {{ first_place() }},
        axis_key as key,
        -- Two classes may also both be without a bound: NULL here would leave no sentence.
        axis_key as detail
    from rules
    group by axis_key, threshold_from
    having count(*) > 1
    union all
    select
        'segment_rules' as feed,
        'hysteresis_out_of_range' as problem,
        source_file,
        source_sheet,
        source_record,
        class_key as key,
        cast(hysteresis as string) as detail
    from rules
    where hysteresis < 0 or hysteresis >= 1
    union all
    select
        'customer_owners' as feed,
        'share_not_positive' as problem,
        source_file,
        source_sheet,
        source_record,
        key,
        cast(share as string) as detail
    from owners
    where share <= 0
    union all
    select
        'service_concepts' as feed,
        'rate_out_of_range' as problem,
        source_file,
        source_sheet,
        source_record,
        segment || ' ' || cast(valid_from as string) as key,
        cast(maximum_bonus_rate as string) as detail
    from {{ ref('stg_service_concepts') }}
    where maximum_bonus_rate < 0 or maximum_bonus_rate > 1
    union all
    select
        'segment_rules' as feed,
        'segment_ambiguous' as problem,
        source_file,
        source_sheet,
        source_record,
        rule_version as key,
        segment as detail
    from pairs
    union all
    select
        'segment_overrides' as feed,
        'customer_unknown' as problem,
        overrides.source_file,
        overrides.source_sheet,
        overrides.source_record,
        overrides.key,
        overrides.customer_id as detail
    from overrides
    left join scopes
        on overrides.customer_id = scopes.scope_id and scopes.scope_type = 'customer'
    where scopes.scope_id is null
    union all
    select
        'segment_overrides' as feed,
        'customer_is_of_a_chain' as problem,
        overrides.source_file,
        overrides.source_sheet,
        overrides.source_record,
        overrides.key,
        customers.chain_id as detail
    from overrides
    inner join {{ ref('customers') }} as customers
        on overrides.customer_id = customers.customer_id
    inner join {{ ref('stg_company') }} as company
        on company.segment_level = 'chain'
    where customers.chain_id <> customers.customer_id
    union all
    select
        'segment_overrides' as feed,
        'segment_unknown' as problem,
        overrides.source_file,
        overrides.source_sheet,
        overrides.source_record,
        overrides.key,
        overrides.segment as detail
    from overrides
    left join known_segments
        on
            overrides.segment = known_segments.segment
            and overrides.decided_on < known_segments.valid_before
            and overrides.valid_to >= known_segments.valid_from
    where known_segments.segment is null
    union all
    select
        'customer_owners' as feed,
        'shares_above_one' as problem,
        source_file,
        source_sheet,
        source_record,
        customer_id || ' ' || cast(valid_from as string) as key,
        cast(share as string) as detail
    from shares
    where share > 1
    union all
    select
        'customer_owners' as feed,
        'ends_before_it_begins' as problem,
        source_file,
        source_sheet,
        source_record,
        key,
        cast(valid_to as string) as detail
    from owners
    where valid_to < valid_from
    union all
    select
        'customer_owners' as feed,
        'customer_unknown' as problem,
        owners.source_file,
        owners.source_sheet,
        owners.source_record,
        owners.key,
        owners.customer_id as detail
    from owners
    left join scopes
        on owners.customer_id = scopes.scope_id and scopes.scope_type = 'customer'
    where scopes.scope_id is null
    union all
    select
        'customer_owners' as feed,
        'salesperson_unknown' as problem,
        owners.source_file,
        owners.source_sheet,
        owners.source_record,
        owners.key,
        owners.salesperson_id as detail
    from owners
    left join scopes
        on owners.salesperson_id = scopes.scope_id and scopes.scope_type = 'salesperson'
    where scopes.scope_id is null
    union all
    select
        'service_concepts' as feed,
        'segment_unknown' as problem,
        concepts.source_file,
        concepts.source_sheet,
        concepts.source_record,
        concepts.segment || ' ' || cast(concepts.valid_from as string) as key,
        concepts.segment as detail
    from {{ ref('stg_service_concepts') }} as concepts
    left join scopes
        on concepts.segment = scopes.scope_id and scopes.scope_type = 'segment'
    where scopes.scope_id is null
    union all
    select
        'kpi_register' as feed,
        'kpi_unknown' as problem,
        own.source_file,
        own.source_sheet,
        own.source_record,
        own.kpi_id as key,
        own.kpi_id as detail
    from {{ ref('stg_kpi_register') }} as own
    left join {{ ref('kpi_register') }} as formulas
        on own.kpi_id = formulas.kpi_id
    where formulas.kpi_id is null
    {%- for problem, detail, condition in [
        ('kpi_is_standard', 'kpi_id', 'is_standard'),
        ('not_in_register', 'kpi_id', 'not is_standard and not is_in_register'),
        ('no_numerator', 'kpi_id', 'not is_standard and numerator_count = 0'),
        ('too_many_measures', 'part', 'not is_standard and place > ' ~ kpi_places() | length),
        ('coefficient_too_large', 'cast(coefficient as string)', 'abs(coefficient) > 1000000'),
    ] %}
    union all
    select
        'kpi_formulas' as feed,
        '{{ problem }}' as problem,
        source_file,
        source_sheet,
        source_record,
        kpi_id as key,
        {{ detail }} as detail
    from own_formulas
    where {{ condition }}
    {%- endfor %}
    {%- for problem, detail, condition in [
        ('kpi_unknown', 'kpi_id', 'is_sum is null'),
        ('sum_without_end', 'kpi_id', 'is_sum and month_to is null'),
        ('ends_before_it_begins', 'cast(month_to as string)', 'month_to < month_from'),
        (
            'baseline_incomplete', 'kpi_id',
            '(baseline_month_from is null and baseline_month_to is not null) '
            ~ 'or (baseline_month_from is not null and baseline_month_to is null)'
        ),
        (
            'baseline_ends_before_it_begins', 'cast(baseline_month_to as string)',
            'baseline_month_to < baseline_month_from'
        ),
        ('periods_overlap', 'cast(next_month_from as string)', 'month_to >= next_month_from'),
        ('baseline_of_customers', 'kpi_id', 'not adds_up and baseline_month_from is not null'),
        ('baseline_of_segment_now', 'scope_id', "scope_type = 'segment' and baseline_month_from is not null"),
        ('named_twice', 'scope_id', 'times_named > 1'),
        ('segment_missing', 'segment', is_without_segment),
        ('segment_surplus', 'segment', is_beside_segment),
    ] %}
    union all
    select
        'kpi_targets' as feed,
        '{{ problem }}' as problem,
        source_file,
        source_sheet,
        source_record,
        key,
        {{ detail }} as detail
    from targets
    where {{ condition }}
    {%- endfor %}
    union all
    select
        'kpi_targets' as feed,
        'scope_unknown' as problem,
        targets.source_file,
        targets.source_sheet,
        targets.source_record,
        targets.key,
        targets.scope_type as detail
    from targets
    left join scopes
        on targets.scope_type = scopes.scope_type and targets.scope_id = scopes.scope_id
    where
        scopes.scope_id is null
        and not (targets.scope_type = 'salesperson_segment' and targets.segment = {{ all_segments() }})
    union all
    select
        'budgets' as feed,
        'scope_unknown' as problem,
        {{ first_place('budgets') }},
        budgets.scope_type || ' ' || budgets.scope_id as key,
        budgets.scope_type as detail
    from {{ ref('stg_budgets') }} as budgets
    left join scopes
        on budgets.scope_type = scopes.scope_type and budgets.scope_id = scopes.scope_id
    where
        scopes.scope_id is null
        and not (budgets.scope_type = 'salesperson_segment' and budgets.segment = {{ all_segments() }})
    group by budgets.scope_type, budgets.scope_id
    {%- for problem, condition in [('segment_missing', is_without_segment), ('segment_surplus', is_beside_segment)] %}
    union all
    select
        'budgets' as feed,
        '{{ problem }}' as problem,
        {{ first_place() }},
        scope_type || ' ' || scope_id as key,
        min(segment) as detail
    from {{ ref('stg_budgets') }}
    where {{ condition }}
    group by scope_type, scope_id
    {%- endfor %}
    union all
    select
        'budgets' as feed,
        'named_twice' as problem,
        {{ first_place() }},
        scope_type || ' ' || scope_id || ', ' || cast(month as string) as key,
        scope_id as detail
    from {{ ref('stg_budgets') }}
    group by scope_type, scope_id, month
    having count(*) > 1
)

select
    feed,
    source_file,
    source_sheet,
    source_record,
    key,
    problem,
    case
        {%- for feed, problem, is_blocking, _, _ in problems %}
        when feed = '{{ feed }}' and problem = '{{ problem }}' then {{ is_blocking | lower }}
        {%- endfor %}
    end as is_blocking,
    replace(
        replace(
            case
                {%- for feed, problem, _, sentence_en, _ in problems %}
                when feed = '{{ feed }}' and problem = '{{ problem }}'
                    then '{{ sentence_en }}'
                {%- endfor %}
            end,
            '{key}', key
        ),
        '{detail}', detail
    ) as sentence_en,
    replace(
        replace(
            case
                {%- for feed, problem, _, _, sentence_da in problems %}
                when feed = '{{ feed }}' and problem = '{{ problem }}'
                    then '{{ sentence_da }}'
                {%- endfor %}
            end,
            '{key}', key
        ),
        '{detail}', detail
    ) as sentence_da
from found
