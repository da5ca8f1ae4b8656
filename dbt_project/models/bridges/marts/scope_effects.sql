-- Price, volume, mix and their like for each scope and window, side by side. How they are shown is in price_volume_mix.
{{ effects_of_scopes(['company', 'customer', 'segment', 'salesperson']) }}
