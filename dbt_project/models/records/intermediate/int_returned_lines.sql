-- What goods that come back take back of the cost of the line that sold them.
{{ returned_lines() }}
